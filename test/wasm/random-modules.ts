import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileFunction, createContext, Script } from 'node:vm'

/** What random modules may use, as binaryen's flags; what V8 does not ship stays off. */
export const FEATURE_SETS: Readonly<Record<string, readonly string[]>> = {
  mvp: ['--mvp-features', '--enable-mutable-globals'],
  lime: [...off('gc', 'memory64', 'exception-handling', 'threads')],
  simd: [...off('gc', 'memory64', 'exception-handling', 'threads', 'multimemory')],
  exceptions: [...off('gc', 'memory64', 'threads'), '--emit-exnref'],
  threads: [...off('gc', 'memory64', 'exception-handling')],
  wide: [...off('gc', 'threads', 'exception-handling')],
  gc: [...off('threads'), '--emit-exnref'],
  all: ['-all', '--emit-exnref'],
}

function off(...features: readonly string[]): string[] {
  return ['-all', ...features.map((feature) => `--disable-${feature}`)]
}

const NOT_SHIPPED = [
  'strings',
  'stack-switching',
  'shared-everything',
  'fp16',
  'custom-descriptors',
  'multibyte',
  'acquire-release-atomics',
  'custom-page-sizes',
  'wide-arithmetic',
  'compact-imports',
  'relaxed-atomics',
].map((feature) => `--disable-${feature}`)

/** For some inputs the tool never ends; a module takes it milliseconds. */
const GENERATOR_TIMEOUT_MS = 20_000

interface Tool {
  callMain?: (args: string[]) => number
  noInitialRun: boolean
  onRuntimeInitialized?: () => void
}

/** binaryen's `wasm-opt`, loaded once and run many times in this process: starting it anew takes half a second. */
export class ModuleGenerator {
  readonly #folder = fs.mkdtempSync(join(tmpdir(), 'ampoule-fuzz-'))
  #tool: Tool | undefined
  readonly #path = createRequire(import.meta.url).resolve('binaryen/bin/wasm-opt')
  #source: string | undefined
  /** Code that is run in a context of its own can be given a time limit, which also ends WebAssembly that it has called. */
  readonly #context: { call?: () => void } = createContext({})
  readonly #call = new Script('call()')

  async #load(): Promise<Tool> {
    this.#source ??= fs.readFileSync(this.#path, 'utf8').replace(/^#!.*\n/, '')
    const run = compileFunction(`${this.#source}\n;Module.callMain = callMain`, [
      'Module',
      'process',
      'console',
      'require',
      '__dirname',
      'module',
    ])
    const tool: Tool = { noInitialRun: true }
    const require = createRequire(import.meta.url)
    // The tool writes its warnings straight to the standard streams.
    const ownFs = {
      ...fs,
      writeSync: (fd: number, data: Uint8Array, offset: number, length: number, position: number | null) =>
        fd < 3 ? length : fs.writeSync(fd, data, offset, length, position),
    }
    const quiet = { log: () => undefined, error: () => undefined, warn: () => undefined }
    const { versions, platform } = process
    const own = {
      versions,
      platform,
      argv: ['node', 'wasm-opt'],
      exitCode: 0,
      env: {},
      cwd: () => this.#folder,
      hrtime: process.hrtime,
      // `node:fs` file constants, which the tool reads in an old way.
      binding: () => ({ fs: fs.constants }),
    }
    await new Promise<void>((resolve) => {
      tool.onRuntimeInitialized = resolve
      run(tool, own, quiet, (id: string) => (id === 'node:fs' ? ownFs : (require(id) as unknown)), dirname(this.#path), {})
    })
    return tool
  }

  /** A valid module made from `seed`; undefined when the generator gave up. */
  async make(
    seed: Uint8Array,
    features: readonly string[],
    extra: readonly string[] = [],
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const tool = (this.#tool ??= await this.#load())
    const input = join(this.#folder, 'seed')
    const output = join(this.#folder, 'out.wasm')
    fs.rmSync(output, { force: true })
    fs.writeFileSync(input, seed)
    try {
      this.#context.call = () =>
        void tool.callMain?.(['-ttf', input, '--denan', ...features, ...NOT_SHIPPED, ...extra, '-o', output])
      this.#call.runInContext(this.#context, { timeout: GENERATOR_TIMEOUT_MS })
      return new Uint8Array(fs.readFileSync(output))
    } catch {
      this.#tool = undefined
      return undefined
    }
  }

  close(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** xorshift128+-like stream of bytes from a number: the same on every machine. */
export function seededBytes(seed: number, length: number): Uint8Array {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state >>> 11
  }
  return bytes
}
