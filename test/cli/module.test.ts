import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { inspect } from '../../src/cli/inspect.ts'
import { instrument } from '../../src/cli/module.ts'
import { AmpouleError } from '../../src/errors.ts'
import { inspectModule } from '../../src/wasm/index.ts'
import { guest } from '../guests/index.ts'
import { wat } from '../wasm/text.ts'

const folder = mkdtempSync(join(tmpdir(), 'ampoule-module-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MODULE = wat('(module (memory 1) (table 1 externref) (func (export "go") (loop $l (br $l))))')

class Text {
  text = ''
  write(more: string): void {
    this.text += more
  }
}

function place(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, bytes)
  return path
}

describe('ampoule module instrument', () => {
  test('writes a file next to what it says', async () => {
    const [out, progress] = [new Text(), new Text()]
    const input = place('one.wasm', MODULE)
    await instrument(input, join(folder, 'new', 'one.wasm'), { out, progress })
    expect(inspectModule(readFileSync(join(folder, 'new', 'one.wasm'))).instrumented).toBe(true)
    expect(out.text).toContain('1 functions')
    expect(out.text).toContain('cannot be restored: table 0 holds externref')
    expect(progress.text).toBe('')
  })

  test('writes every module of a folder to the same place in another, with progress and JSON', async () => {
    const [out, progress] = [new Text(), new Text()]
    place('in/a.wasm', MODULE)
    place('in/deep/b.wasm', MODULE)
    place('in/notes.txt', new Uint8Array(3))
    await instrument(join(folder, 'in'), join(folder, 'out'), { out, progress, json: true })
    expect(inspectModule(readFileSync(join(folder, 'out', 'deep', 'b.wasm'))).instrumented).toBe(true)
    expect(progress.text.split('\n')).toHaveLength(3)
    expect(JSON.parse(out.text)).toMatchObject([{ report: { functions: 1 } }, { report: { functions: 1 } }])
  })

  test('refuses a folder inside its input, which would feed on itself', async () => {
    await expect(instrument(join(folder, 'in'), join(folder, 'in', 'out'))).rejects.toThrow(/is inside/)
  })

  test('names the file that is no module', async () => {
    const input = place('broken.wasm', MODULE.slice(0, 20))
    await expect(instrument(input, join(folder, 'x.wasm'), { out: new Text() })).rejects.toThrow(/broken\.wasm: .* at byte \d+/)
  })

  test('says what it cannot read', async () => {
    const missing = instrument(join(folder, 'missing.wasm'), join(folder, 'x.wasm'))
    await expect(missing).rejects.toThrow(AmpouleError)
    await expect(missing).rejects.toThrow(/cannot read .*missing\.wasm/)
  })
})

test('ampoule module inspect prints what a module is made of, or the same as JSON', async () => {
  const [plain, json] = [new Text(), new Text()]
  const file = place('inspected.wasm', MODULE)
  const found = await inspect(file, { out: plain })
  await inspect(file, { out: json, json: true })
  expect(plain.text).toContain('go (func)')
  expect(plain.text).toContain('0: externref, 1 or more entries')
  expect(JSON.parse(json.text)).toEqual(JSON.parse(JSON.stringify(found)))
})

test('ampoule module inspect shows the world of a component, or why it cannot be a function', async () => {
  const [served, refused] = [new Text(), new Text()]
  await inspect(place('echo.wasm', await guest('echo')), { out: served })
  expect(served.text).toContain('can be called by: events (handle)')
  expect(served.text).toContain('export handle: func(event: list<u8>) -> result<list<u8>, list<u8>>;')
  expect(served.text).toMatch(/core module 0: \d+ bytes/)
  await inspect(place('empty.wasm', new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])), { out: refused })
  expect(refused.text).toContain('cannot be a function: the component exports nothing')
})
