import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { strategies } from '../engine/lane.ts'
import { ScriptLane } from './script-lane.ts'

/** Building an engine, where it is not there yet, takes a minute on a busy machine. */
const BUILD_MS = 300_000

const CASES = (['starlingmonkey', 'quickjs'] as const).flatMap((engine) =>
  strategies.map((strategy) => [engine, strategy] as const),
)

describe.each(CASES)('a script on %s, restored by %s,', (engine, strategy) => {
  const lane = new ScriptLane(engine, strategy)
  beforeAll(() => lane.open(), BUILD_MS)
  afterAll(() => lane.close())

  test('runs its top level once and starts every invocation from the state after it', async () => {
    const fn = await lane.deploy(`
      let calls = 0
      const cache = new Map([['a', [1]]])
      export const handler = (value: number) => { cache.get('a')?.push(value); return { calls: ++calls, cache: cache.get('a') } }`)
    expect(fn.material.mode).toBe('shared')
    for (const value of [7, 8, 9]) expect(await fn.invoke(value)).toEqual({ calls: 1, cache: [1, value] })
  })

  test('reads the variables of its function at the top level', async () => {
    const fn = await lane.deploy('const { WHO } = process.env; export const handler = () => WHO', { variables: [['WHO', 'me']] })
    expect(await fn.invoke()).toBe('me')
  })

  test('may leave a timer running at the top level that its invocations wait for', async () => {
    const fn = await lane.deploy(`
      const ready = new Promise((resolve) => setTimeout(() => resolve('ready'), 30))
      export const handler = async () => await ready`)
    expect([await fn.invoke(), await fn.invoke()]).toEqual(['ready', 'ready'])
  })

  test('may use the names that the runtime gives to its parts', async () => {
    const fn = await lane.deploy(`
      const handOver = 1, module = 2, runtime = 3, load = 4
      export const handler = () => [handOver, module, runtime, load, typeof this]`)
    expect(await fn.invoke()).toEqual([1, 2, 3, 4, 'undefined'])
  })

  test('sees nothing of another script of the same engine, whatever that did to the globals', async () => {
    const hostile = `
      globalThis.secret = 'of the first'
      Object.prototype.inherited = 'of the first'
      Array.prototype.map = () => ['replaced']
      JSON.parse = () => ({ type: 'invoke', id: '', fn: '', deadline: 0, payload: 'replaced' })
      globalThis[Symbol.for('shared')] = 'of the first'
      export const handler = () => globalThis.secret`
    const honest = `
      export const handler = (text: string) => [text, typeof globalThis.secret, typeof ({}).inherited, [1].map((n) => n + 1), typeof globalThis[Symbol.for('shared')]]`
    const [before, attacker, after] = [await lane.deploy(honest), await lane.deploy(hostile), await lane.deploy(honest)]
    expect(await attacker.invoke()).toBe('of the first')
    const untouched = ['x', 'undefined', 'undefined', [2], 'undefined']
    expect(await before.invoke('x')).toEqual(untouched)
    expect(await after.invoke('x')).toEqual(untouched)
  })

  test('shares the compiled modules of its engine with all others', async () => {
    const [one, two] = [await lane.deploy('export const handler = () => 1'), await lane.deploy('export const handler = () => 2')]
    expect(one.material.modules.every((module, index) => module === two.material.modules[index])).toBe(true)
    expect(await Promise.all([one.invoke(), two.invoke()])).toEqual([1, 2])
  })

  test('keeps no state, wherever an invocation hides it', async () => {
    const fn = await lane.deploy(`
      const closure = { found: 'nothing' }
      class Place { static hidden = 'nothing' }
      const expression = /a/g
      function self() {}
      export const handler = (hide) => {
        const found = [closure.found, Place.hidden, expression.lastIndex, self.hidden, globalThis.hidden, Object.prototype.hidden, process.env.HIDDEN, Math.random.hidden, console.log.hidden, Symbol.for('x').description]
        if (hide) {
          closure.found = Place.hidden = self.hidden = globalThis.hidden = Object.prototype.hidden = process.env.HIDDEN = 'hidden'
          Math.random.hidden = console.log.hidden = 'hidden'
          expression.lastIndex = 3
          Promise.prototype.then = () => 'hidden'
          globalThis.setTimeout?.(() => { globalThis.hidden = 'late' }, 0)
          JSON.stringify = () => '"hidden"'
        }
        return found
      }`)
    const clean = await fn.invoke(false)
    await fn.invoke(true).catch(() => undefined)
    expect(await fn.invoke(false)).toEqual(clean)
    expect(JSON.stringify(clean)).not.toContain('hidden')
  })

  test('draws fresh random numbers in every invocation, also when it drew at the top level', async () => {
    const source = `
      const top = [Math.random(), crypto.randomUUID()]
      export const handler = () => ({ top, own: [Math.random(), Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(8)).join()] })`
    const fn = await lane.deploy(source)
    const other = await lane.deploy(source)
    const answers = (await Promise.all([fn.invoke(), fn.invoke(), fn.invoke(), other.invoke(), other.invoke()])) as {
      top: unknown[]
      own: unknown[]
    }[]
    const own = answers.flatMap((answer) => answer.own)
    expect(new Set(own).size).toBe(own.length)
    // What the top level drew and kept is a constant of the function, but not of the engine.
    expect(answers[1]?.top).toEqual(answers[0]?.top)
    expect(answers[3]?.top.filter((value) => answers[0]?.top.includes(value))).toEqual([])
    expect(own.filter((value) => answers[0]?.top.includes(value))).toEqual([])
  })

  test('reads the wall clock of the invocation', async () => {
    const fn = await lane.deploy('const top = Date.now(); export const handler = () => [top, Date.now()]')
    const before = Date.now()
    const [top, now] = (await fn.invoke()) as [number, number]
    expect(top).toBeLessThanOrEqual(before)
    expect(now).toBeGreaterThanOrEqual(before)
  })

  test('tells exceptions with positions in the bundle, and none of the runtime’s own', async () => {
    const fn = await lane.deploy('export const handler = async () => {\n  throw new RangeError("later")\n}')
    const { name, message, stack } = await fn.fail()
    expect([name, message]).toEqual(['RangeError', 'later'])
    expect(stack).toMatch(/function\.js:\d+:\d+/)
    expect(stack).not.toMatch(/runtime\.js|user\.js|<input>|initializer/)
  })

  test('tells where the handler begins when that gives what it must not', async () => {
    const fn = await lane.deploy('const unused = 1\nexport const handler = function () {\n  return () => 1\n}')
    const { message, stack } = await fn.fail()
    expect(message).toContain('must return what JSON can hold')
    expect(stack).toMatch(/^handler@function\.js:\d+:\d+$/)
  })

  describe('is refused', () => {
    test('with message and place when its top level throws', async () => {
      const error = await lane.refusal({
        'index.ts': "import { start } from './start.ts'\nstart({})\nexport const handler = () => 1",
        'start.ts':
          'type Table = { a?: { b: number } }\n\nexport function start(table: Table): number {\n  return table.a!.b\n}\n',
      })
      expect(error.code).toBe('BuildFailed')
      expect(error.message).toContain('TypeError: ')
      expect(error.position?.file.endsWith('/start.ts')).toBe(true)
      expect(error.position).toMatchObject({ line: 4 })
      // QuickJS names the place in the statement, StarlingMonkey where it begins.
      expect(error.position?.column).toBeGreaterThanOrEqual(3)
    })

    test('when its top level throws what is no error', async () => {
      expect((await lane.refusal('throw "words"\nexport const handler = () => 1')).message).toContain('words')
    })

    test('when its top level does not end, naming the limit', async () => {
      const error = await lane.refusal('for (;;) {}\nexport const handler = () => 1')
      expect(error.message).toContain('did not finish within 1000 ms')
    })

    test('when its top level catches everything and goes on for ever', async () => {
      const error = await lane.refusal('for (;;) { try { for (;;) {} } catch {} }\nexport const handler = () => 1')
      expect(error.message).toContain('did not finish within 1000 ms')
    })

    test('when its top level wants more memory than the function may have, naming the knob', async () => {
      const error = await lane.refusal(
        'const all = []\nfor (;;) all.push(new Uint8Array(1e6).fill(1))\nexport const handler = () => 1',
      )
      expect(error.message).toMatch(/48 Mi?B/)
      expect(error.message).toContain('"memoryMb"')
    })

    test('when its top level recurses for ever', async () => {
      const error = await lane.refusal('function down() { return down() + 1 }\ndown()\nexport const handler = () => 1')
      expect(error.message).toMatch(/call stack|recursion|InternalError|RangeError/i)
    })

    test('when it only seems to export a handler', async () => {
      const error = await lane.refusal({ 'index.ts': "export * from './a.cjs'", 'a.cjs': 'module.exports = { other: 1 }' })
      expect(error.message).toMatch(/default|handler/)
    })

    test('and leaves the engine as it was', async () => {
      await lane.refusal('globalThis.left = 1; Object.prototype.left = 1; throw new Error("now")\nexport const handler = () => 1')
      const fn = await lane.deploy('export const handler = () => [typeof globalThis.left, typeof ({}).left]')
      expect(await fn.invoke()).toEqual(['undefined', 'undefined'])
    })
  })
})

describe('a script on starlingmonkey', () => {
  const lane = new ScriptLane('starlingmonkey')
  beforeAll(() => lane.open(), BUILD_MS)
  afterAll(() => lane.close())

  test('may await at the top level', async () => {
    const fn = await lane.deploy(`
      const value = await new Promise((resolve) => setTimeout(() => resolve(3), 5))
      export const handler = () => value`)
    expect(await fn.invoke()).toBe(3)
  })

  test('is refused when it awaits what nothing settles', async () => {
    const error = await lane.refusal('await new Promise(() => {})\nexport const handler = () => 1')
    expect(error.message).toContain('a promise that nothing can settle')
  })

  test('leads a rejection that was awaited to its place', async () => {
    const error = await lane.refusal(
      'const fail = async () => {\n  throw new RangeError("late")\n}\nawait fail()\nexport const handler = 1',
    )
    expect(error.message).toContain('RangeError: late')
    expect(error.position).toMatchObject({ line: 2 })
  })
})

describe.runIf((strategies as readonly string[]).includes('dirty-pages'))('the images of engines and scripts', () => {
  test('are released with their lane', { timeout: BUILD_MS }, async () => {
    const images = (): number =>
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('ampoule-snapshot') && line.includes('r--s')).length
    const before = images()
    const lane = new ScriptLane('quickjs', 'dirty-pages')
    await lane.open()
    await (await lane.deploy('export const handler = () => 1')).invoke()
    await lane.refusal('throw new Error("now")\nexport const handler = () => 1')
    expect(images()).toBe(before + 2)
    await lane.close()
    expect(images()).toBe(before)
  })
})
