import { describe, expect, it } from 'vitest'
import { binaryKind, parseComponent } from '../../src/component/parse.ts'
import { deriveComponent } from '../../src/component/artifact.ts'
import { AmpouleError } from '../../src/errors.ts'
import { coreModule, ECHO, echoComponent } from './samples.ts'

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]

function binary(...bytes: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...PREAMBLE, ...bytes])
}

function section(id: number, content: readonly number[]): number[] {
  return [id, (content.length & 0x7f) | 0x80, content.length >> 7, ...content]
}

/** The error of parsing and deriving, which must be one of ours. */
function refusal(bytes: Uint8Array): AmpouleError {
  try {
    deriveComponent(bytes)
  } catch (error) {
    if (error instanceof AmpouleError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('the component parser', () => {
  it('tells components, core modules and anything else apart by their first bytes', async () => {
    expect(binaryKind(await echoComponent())).toBe('component')
    expect(binaryKind(coreModule(ECHO))).toBe('core module')
    expect(binaryKind(Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]))).toBe('unknown')
    expect(binaryKind(new Uint8Array(3))).toBe('unknown')
  })

  it('finds the core modules and the custom sections of a component', async () => {
    const parsed = parseComponent(await echoComponent())
    expect(parsed.modules.length).toBeGreaterThanOrEqual(1)
    expect(parsed.modules.every(({ bytes }) => WebAssembly.validate(bytes))).toBe(true)
    expect(parsed.custom.map(({ name }) => name)).toContain('producers')
  })

  it('names the byte at which the input ends too early', () => {
    expect(refusal(binary(7, 10, 1)).message).toMatch(/longer than what is left.* at byte \d+/)
    expect(refusal(binary(7)).message).toMatch(/unexpected end at byte 9/)
  })

  it('refuses an unknown section with its number', () => {
    expect(refusal(binary(42, 0))).toMatchObject({
      code: 'InvalidComponent',
      message: expect.stringContaining('unknown section 42'),
    })
  })

  it('refuses a vector that claims more elements than there are bytes, without allocating for them', () => {
    expect(refusal(binary(...section(7, [0xff, 0xff, 0xff, 0xff, 0x0f]))).message).toContain(
      'count 4294967295 is larger than what is left',
    )
  })

  it('refuses numbers that are too long', () => {
    expect(refusal(binary(...section(7, [0xff, 0xff, 0xff, 0xff, 0xff, 0x01]))).message).toMatch(/integer too l(ong|arge)/)
  })

  it('refuses names that are not UTF-8', () => {
    expect(refusal(binary(...section(0, [2, 0xc3, 0x28]))).message).toContain('name is not UTF-8')
  })

  it('refuses bytes left over at the end of a section', () => {
    expect(refusal(binary(...section(7, [1, 0x7d, 0x00]))).message).toContain('unexpected bytes after section 7')
  })

  it('refuses components nested deeper than the limit instead of using up the stack', () => {
    let bytes: number[] = [...PREAMBLE]
    for (let depth = 0; depth < 40; depth++) bytes = [...PREAMBLE, ...section(4, bytes)]
    expect(refusal(Uint8Array.from(bytes)).message).toContain('nested more than 16 deep')
  })

  it('refuses types nested deeper than the limit instead of using up the stack', () => {
    const levels = 100_000
    const open = Array.from({ length: levels }, () => [0x42, 1, 0x01]).flat()
    const content = [1, ...open, 0x7d]
    const size = [0, 7, 14, 21].map((shift) => ((content.length >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0))
    expect(refusal(Uint8Array.from([...PREAMBLE, 7, ...size, ...content])).message).toContain(
      'types are nested more than 32 deep',
    )
  })

  it('refuses a component of very many tiny definitions instead of making an object for each', () => {
    const count = 3_000_000
    const size = [0, 7, 14, 21].map((shift) => (((count + 4) >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0))
    const length = [0, 7, 14, 21].map((shift) => ((count >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0))
    const bytes = new Uint8Array(8 + 1 + 4 + 4 + count).fill(0x7d)
    bytes.set([...PREAMBLE, 7, ...size, ...length])
    expect(refusal(bytes).message).toContain('too many elements')
  })

  it('refuses a component whose instantiations double at every level', () => {
    // Component n instantiates component n-1 twice: 2^40 instantiations in two kilobytes.
    const inner = (index: number): number[] => [
      ...PREAMBLE,
      ...section(6, [1, 0x04, 0x02, 0x01, index]),
      ...section(5, [2, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
    ]
    const levels = Array.from({ length: 40 }, (_, index) => section(4, inner(index))).flat()
    const bytes = binary(...section(4, PREAMBLE), ...levels, ...section(5, [1, 0x00, 40, 0x00]))
    expect(refusal(bytes).message).toContain('steps to evaluate')
  })

  it('refuses control characters in names only in escaped form', () => {
    const name = [0x0a, 0x1b]
    const bytes = binary(...section(7, [1, 0x40, 0x00, 0x01, 0x00]), ...section(10, [1, 0x00, 2, ...name, 0x04, 0x00]))
    const { message } = refusal(bytes)
    expect(message).toContain('\\n')
    expect(message).not.toContain('\n')
  })
})
