import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco'
import { readFile } from 'node:fs/promises'
import { witPackages, withoutWorlds } from '../component/samples.ts'
import { WASI_SIGNATURES } from '../../src/component/wasi-signatures.ts'
import { cached } from './cache.ts'

const VERSION = '0.2.12'

/** What the guest imports: functions by interface, and what it can drop. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'wasi:clocks/monotonic-clock': ['now', 'subscribe-duration'],
  'wasi:io/poll': ['[method]pollable.block', 'poll', '[resource-drop]pollable'],
  'wasi:io/streams': [
    '[method]input-stream.read',
    '[method]input-stream.blocking-read',
    '[method]input-stream.subscribe',
    '[method]output-stream.check-write',
    '[method]output-stream.write',
    '[method]output-stream.blocking-write-and-flush',
    '[method]output-stream.subscribe',
    '[resource-drop]input-stream',
    '[resource-drop]output-stream',
  ],
  'wasi:random/random': ['get-random-bytes', 'get-random-u64'],
  'wasi:cli/environment': ['get-environment'],
  'wasi:cli/exit': ['exit'],
  'wasi:cli/stdin': ['get-stdin'],
  'wasi:cli/stdout': ['get-stdout'],
  'wasi:filesystem/preopens': ['get-directories'],
  'wasi:filesystem/types': [
    '[method]descriptor.open-at',
    '[method]descriptor.read',
    '[method]descriptor.write',
    '[method]descriptor.read-directory',
    '[method]descriptor.create-directory-at',
    '[method]descriptor.rename-at',
    '[method]descriptor.link-at',
    '[method]descriptor.symlink-at',
    '[method]descriptor.unlink-file-at',
    '[method]descriptor.read-via-stream',
    '[method]directory-entry-stream.read-directory-entry',
    '[resource-drop]descriptor',
  ],
  'wasi:http/types': [
    '[constructor]fields',
    '[static]fields.from-list',
    '[method]fields.append',
    '[constructor]outgoing-response',
    '[method]outgoing-response.body',
    '[method]outgoing-body.write',
    '[static]outgoing-body.finish',
    '[static]response-outparam.set',
    '[method]incoming-request.path-with-query',
    '[method]incoming-request.consume',
    '[method]incoming-body.stream',
    '[static]incoming-body.finish',
    '[resource-drop]fields',
    '[resource-drop]incoming-request',
    '[resource-drop]incoming-body',
    '[resource-drop]outgoing-body',
    '[resource-drop]outgoing-response',
    '[resource-drop]response-outparam',
  ],
}

interface Imported {
  readonly path: string
  readonly id: string
  readonly params: readonly string[]
  readonly result: string | undefined
}

const LIST: readonly Imported[] = Object.entries(IMPORTS).flatMap(([owner, names]) =>
  names.map((name) => {
    const signature = name.startsWith('[resource-drop]') ? 'i->' : WASI_SIGNATURES[owner]?.[name]?.split(' ')[0]
    if (signature === undefined) throw new Error(`${owner} has no ${name}`)
    const [params = [], result = []] = signature
      .split('->')
      .map((types) => types.split('').map((type) => (type === 'I' ? 'i64' : 'i32')))
    return {
      path: `${owner}#${name}`,
      id: name.startsWith('[resource-drop]')
        ? name.replace('[resource-drop]', 'drop.')
        : name.replace(/^\[\w+\](incoming-request\.)?/, ''),
      params,
      result: result[0],
    }
  }),
)

const importText = LIST.map(({ path, id, params, result }) => {
  const [owner, name] = path.split('#')
  return `(import "${owner}@${VERSION}" "${name}" (func $${id} (param ${params.join(' ')})${result === undefined ? '' : ` (result ${result})`}))`
})

/** One case per import: takes its arguments from the instruction. */
function dispatchText(): string {
  const cases = LIST.map(({ id, params, result }) => {
    const args = params.map((type, index) => `(call $${type === 'i64' ? 'a' : 'i'} (local.get $pc) (i32.const ${index}))`)
    const call = `(call $${id} ${args.join(' ')})`
    if (result === undefined) return `${call} (return (i64.const 0))`
    return `(return ${result === 'i64' ? call : `(i64.extend_i32_u ${call})`})`
  })
  const labels = LIST.map((_, index) => index).join(' ')
  const open = LIST.map(() => '(block').join(' ')
  return `${open} (br_table ${labels} (local.get $k)))\n${cases.join('\n)\n')}`
}

const WORLD = `
  import wasi:clocks/monotonic-clock@${VERSION};
  import wasi:io/error@${VERSION};
  import wasi:io/poll@${VERSION};
  import wasi:io/streams@${VERSION};
  import wasi:random/random@${VERSION};
  import wasi:cli/environment@${VERSION};
  import wasi:cli/exit@${VERSION};
  import wasi:cli/stdin@${VERSION};
  import wasi:cli/stdout@${VERSION};
  import wasi:filesystem/preopens@${VERSION};
  import wasi:filesystem/types@${VERSION};
  import wasi:http/types@${VERSION};
  export handle: func(event: list<u8>) -> result<list<u8>, list<u8>>;
  export wasi:http/incoming-handler@${VERSION};`

export interface Variation {
  /** Pages of memory before the first; default 17. */
  readonly pages?: number
  /** More text at the end of the module: a start function, exports, data. */
  readonly extra?: string
}

/** The component of a core module in text form, for the items of a world that may name WASI 0.2.12. */
export async function coreForWorld(wat: string, items: string): Promise<Uint8Array> {
  const packages = (await witPackages(['io', 'clocks', 'random', 'cli', 'filesystem', 'sockets', 'http'])).map(withoutWorlds)
  const witSource = `package test:guest;\nworld guest {${items}\n}\n${packages.join('\n')}`
  return componentEmbed({ binary: await parse(wat), witSource, world: 'guest' })
}

/** A component of such a module. */
export async function componentForWorld(wat: string, items: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await componentNew(await coreForWorld(wat, items), []))
}

/** The guest of scripted.wat. */
export async function scriptedGuest({ pages = 17, extra = '' }: Variation = {}): Promise<Uint8Array<ArrayBuffer>> {
  const text = (await readFile(new URL('scripted.wat', import.meta.url), 'utf8'))
    .replace('(;IMPORTS;)', () => importText.join('\n'))
    .replace('(;DISPATCH;)', dispatchText)
    .replace('(;PAGES;) 17', String(pages))
    .replace('(;EXTRA;)', () => extra)
  return cached(Buffer.from(text), () => componentForWorld(text, WORLD))
}

const OPERATIONS = {
  /** [instruction, value]: goes there when the value is 0. */
  jumpIfZero: 1,
  /** [instruction, value] */
  jumpUnlessZero: 2,
  add: 3,
  /** [address] */
  load32: 4,
  load64: 5,
  /** [address, value] */
  store32: 6,
  store64: 7,
  trap: 8,
  /** [pages]: -1 when refused. */
  grow: 9,
  /** [address, length], then up to seven words of bytes. */
  literal: 10,
  /** [address, byte, length] */
  fill: 11,
  /** [0 or 1]: from now on imports that throw give -1. */
  catching: 12,
  /** [a mode of cabi_realloc] */
  realloc: 13,
  /** [depth]: calls the host at every level; 0 without end. */
  recurse: 14,
  forever: 15,
  /** [from, to, word]: how many words are that one. */
  count: 16,
  /** [from, to, word]: writes it into every second page. */
  pages: 17,
  /** Pages of memory. */
  size: 18,
} as const

/** How the scripted guest's cabi_realloc misbehaves. */
export const REALLOC = {
  trap: 1,
  loop: 2,
  behind: 3,
  callHost: 4,
  unaligned: 5,
  waitCaught: 6,
  recurse: 7,
  tooShort: 8,
  wait: 9,
  waitCaughtAndLoop: 10,
} as const

/** Where results of imports go. */
export const RESULT = 0x800
/** Where the guest's heap begins. */
export const HEAP = 0x20000
const LITERALS = 0x14000
const WORDS = 11
const FIRST_REGISTER = 8

/** A register of the guest. */
export class Register {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

/** Handles that the guest was called with, in wasi:http. */
export const REQUEST = new Register(1)
export const RESPONSE_OUT = new Register(2)

type Argument = number | bigint | Register

/** What the guest is to do, in order. Results are in registers, which an event's answer shows. */
export class Script {
  readonly #words: bigint[] = []
  #register = FIRST_REGISTER
  #literals = LITERALS

  /** Number of the next instruction, to jump to. */
  get here(): number {
    return this.#words.length / WORDS
  }

  do(operation: keyof typeof OPERATIONS, ...args: Argument[]): Register {
    return this.#add(OPERATIONS[operation], args)
  }

  /** `interface#function`. */
  call(path: string, ...args: Argument[]): Register {
    const index = LIST.findIndex((imported) => imported.path === path)
    if (index < 0) throw new Error(`the guest does not import ${path}`)
    return this.#add(64 + index, args)
  }

  /** A call with a result area, then its 32 bits at `offset`. */
  ask(path: string, args: readonly Argument[], offset = 4): Register {
    this.call(path, ...args, RESULT)
    return this.do('load32', RESULT + offset)
  }

  /** Puts bytes into the guest's memory. */
  place(data: string | Uint8Array): [address: number, length: number] {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data)
    const address = this.#literals
    for (let at = 0; at < bytes.length; at += 56) {
      const piece = Buffer.alloc(56)
      bytes.copy(piece, 0, at)
      const words = Array.from({ length: 7 }, (_, word) => piece.readBigInt64LE(word * 8))
      this.do('literal', address + at, Math.min(56, bytes.length - at), ...words)
    }
    this.#literals += (bytes.length + 15) & ~7
    return [address, bytes.length]
  }

  /** The same `count` times; with 0 for ever. */
  repeat(count: number, body: () => void): this {
    const counter = count === 0 ? undefined : this.do('add', count, 0)
    const start = this.here
    body()
    if (counter === undefined) this.do('jumpIfZero', start, 0)
    else {
      this.advance(counter, -1)
      this.do('jumpUnlessZero', start, counter)
    }
    return this
  }

  /** Adds to a register. */
  advance(register: Register, by: number): void {
    this.#add(OPERATIONS.add, [register, by], register)
  }

  /** As an event; `length` makes it longer. */
  event(length = 0): Uint8Array {
    const bytes = new Uint8Array(Math.max(length, (this.#words.length + 1) * 8))
    const view = new DataView(bytes.buffer)
    for (const [index, word] of this.#words.entries()) view.setBigInt64(index * 8, word, true)
    return bytes
  }

  /** As a request's path. */
  path(): string {
    let text = '/'
    for (const byte of this.event()) text += String.fromCharCode(97 + (byte & 15), 97 + (byte >> 4))
    return text
  }

  #add(operation: number, args: readonly Argument[], into?: Register): Register {
    const result = into ?? new Register(this.#register)
    // The last register takes what nobody asks for.
    if (into === undefined && this.#register < 255) this.#register++
    const mask = args.reduce((sum: number, arg, index) => sum | (arg instanceof Register ? 1 << index : 0), 0)
    const words = args.map((arg) => BigInt.asIntN(64, BigInt(arg instanceof Register ? arg.index : arg)))
    this.#words.push(BigInt(operation) | (BigInt(result.index) << 32n), BigInt(mask), ...words)
    while (this.#words.length % WORDS !== 0) this.#words.push(0n)
    return result
  }
}

/** The registers in an event's answer. */
export function registers(payload: Uint8Array): (register: Register) => bigint {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  return ({ index }) => view.getBigInt64(index * 8, true)
}

/** Responds with a status and a body that is finished. */
export function respond(
  script: Script,
  body: string,
  headers: Argument = script.call('wasi:http/types#[constructor]fields'),
): Script {
  const response = script.call('wasi:http/types#[constructor]outgoing-response', headers)
  const outgoing = script.ask('wasi:http/types#[method]outgoing-response.body', [response])
  const stream = script.ask('wasi:http/types#[method]outgoing-body.write', [outgoing])
  setResponse(script, response)
  const [at, length] = script.place(body)
  script.call('wasi:io/streams#[method]output-stream.blocking-write-and-flush', stream, at, length, RESULT)
  script.call('wasi:io/streams#[resource-drop]output-stream', stream)
  script.call('wasi:http/types#[static]outgoing-body.finish', outgoing, 0, 0, RESULT)
  return script
}

export function setResponse(script: Script, response: Argument): void {
  script.call('wasi:http/types#[static]response-outparam.set', RESPONSE_OUT, 0, response, 0, 0n, 0, 0, 0, 0)
}
