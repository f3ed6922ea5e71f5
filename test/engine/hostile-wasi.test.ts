import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attacks, hostileRequest, SECRET, type Attack } from './attacks.ts'
import { context, strategies, TestLane, type Recorded } from './lane.ts'
import { Growth, Latencies, MAX_GROWTH_BYTES, ROUNDS } from './rounds.ts'
import { HEAP, Register, registers, RESULT, Script, scriptedGuest } from '../guests/scripted.ts'
import { AmpouleError } from '../../src/errors.ts'
import type { Runner } from '../../src/engine/runner.ts'

/** Looks into every corner that an invocation can reach: memory, the handle table, /tmp. */
class Probe {
  readonly event: Uint8Array
  readonly #found: readonly Register[]

  constructor() {
    const script = new Script()
    const pages = script.do('size')
    const handle = script.call('wasi:cli/stdout#get-stdout')
    // Made up here, or the probe would find itself.
    const secrets = script.do('count', HEAP, 17 * 65_536, script.do('add', SECRET - 1n, 1))
    script.call('wasi:filesystem/preopens#get-directories', RESULT)
    const directory = script.do('load32', script.do('load32', RESULT))
    const listing = script.ask('wasi:filesystem/types#[method]descriptor.read-directory', [directory])
    script.call('wasi:filesystem/types#[method]directory-entry-stream.read-directory-entry', listing, RESULT)
    const entry = script.do('load32', RESULT + 4)
    this.#found = [pages, handle, secrets, directory, listing, entry]
    this.event = script.event()
  }

  /** What it sees, and whether the instance was there before. */
  async ask(runner: Runner): Promise<{ readonly found: bigint[]; readonly fresh: boolean }> {
    const { payload, report } = await runner.invokeEvent(this.event, context())
    return { found: this.#found.map(registers(payload)), fresh: report.fresh }
  }

  /** A machine that stands still for longer than a short deadline says nothing about the guest: it is asked again. */
  async askAgain(runner: Runner): ReturnType<Probe['ask']> {
    for (;;) {
      try {
        return await this.ask(runner)
      } catch (error) {
        if (!(error instanceof AmpouleError) || error.code !== 'DeadlineExceeded') throw error
      }
    }
  }
}

describe.each(strategies)('a hostile guest that uses the host, restored by "%s"', (restore) => {
  const lane = new TestLane(restore)
  const probe = new Probe()
  let pristine: bigint[]
  let runners: Record<Attack['target'], Runner>
  let neighbour: Runner

  beforeAll(async () => {
    const component = await scriptedGuest()
    runners = {
      cheap: await lane.deploy('cheap', component),
      late: await lane.deploy('late', component, { limits: { timeoutMs: 50, fuel: 1_000_000_000_000n } }),
      rich: await lane.deploy('rich', component, { limits: { fuel: 2_000_000_000n } }),
    }
    neighbour = await lane.deploy('neighbour', component)
    pristine = (await probe.ask(neighbour)).found
  })
  afterAll(() => lane.close())

  it('finds nothing in a pristine instance, and its own secret when it has hidden one', async () => {
    expect(pristine).toEqual([17n, 1n, 0n, 2n, 3n, 0n])
    const script = new Script()
    const word = script.do('add', SECRET - 1n, 1)
    script.do('pages', HEAP + 0x2000, HEAP + 0x8000, word)
    const found = script.do('count', HEAP, 17 * 65_536, word)
    const { payload } = await neighbour.invokeEvent(script.event(), context())
    expect(registers(payload)(found)).toBe(3n)
  })

  const attempt = async (attack: Attack, recorded: Recorded): Promise<unknown> => {
    const runner = runners[attack.target]
    const script = attack.script()
    try {
      if (attack.http === undefined) return await runner.invokeEvent(script.event(attack.length), recorded)
      const { response, done } = await runner.invokeHttp(hostileRequest(script, attack.http), recorded)
      try {
        return await attack.http.read(response)
      } finally {
        await done
      }
    } catch (error) {
      if (!(error instanceof AmpouleError)) throw error
      return error
    }
  }

  it.each(attacks)('is contained: $name', async (attack) => {
    const runner = runners[attack.target]
    const rounds = Math.max(2, Math.floor(ROUNDS / (attack.slowness ?? 1)))
    const latencies = new Latencies()
    const growth = new Growth(rounds)
    for (let round = 0; round < rounds; round++) {
      const controller = new AbortController()
      const recorded = context(controller.signal)
      const attacked = attempt(attack, recorded)
      if (attack.cancelled === true) setImmediate(() => controller.abort())
      // The neighbour is asked while the attack runs.
      const seen = await latencies.time(() => probe.ask(neighbour))
      const result = await attacked
      expect(seen.found).toEqual(pristine)
      attack.check(result, recorded.lines)
      // Nothing of it is there in the next invocation of the same function, in the same instance.
      const next = attack.target === 'late' ? await probe.askAgain(runner) : await probe.ask(runner)
      expect(next.found).toEqual(pristine)
      expect(next.fresh).toBe(restore === 'copy' && attack.grows === true)
      growth.after(round)
    }
    latencies.tell(`${restore}: neighbour of ${attack.name}`)
    expect(lane.stuck).toBe(0)
    expect(growth.bytes).toBeLessThan(MAX_GROWTH_BYTES)
  })

  it('finds none of the handles of the invocation before, whatever number it guesses', async () => {
    const open = new Script()
    const pollable = open.call('wasi:clocks/monotonic-clock#subscribe-duration', 1_000_000_000n)
    const stream = open.call('wasi:cli/stdout#get-stdout')
    open.call('wasi:filesystem/preopens#get-directories', RESULT)
    const used = registers((await runners.cheap.invokeEvent(open.event(), context())).payload)
    expect([used(pollable), used(stream)]).toEqual([1n, 2n])
    for (const [use, ...more] of [
      ['wasi:io/poll#[method]pollable.block'],
      ['wasi:io/poll#[resource-drop]pollable'],
      ['wasi:io/streams#[resource-drop]output-stream'],
      ['wasi:io/streams#[method]output-stream.check-write', RESULT],
      ['wasi:filesystem/types#[method]descriptor.read-directory', RESULT],
      ['wasi:http/types#[resource-drop]response-outparam'],
    ] as const) {
      for (const guess of [...Array.from({ length: 12 }, (_, number) => number), 0x7fff_ffff, -1]) {
        await runners.cheap.invokeEvent(open.event(), context())
        const script = new Script()
        script.call(use, guess, ...more)
        await expect(runners.cheap.invokeEvent(script.event(), context())).rejects.toMatchObject({ code: 'FunctionTrapped' })
      }
    }
  })

  it('keeps a secret in /tmp from the next invocation and from other functions', async () => {
    const writing = (): Script => {
      const script = new Script()
      script.call('wasi:filesystem/preopens#get-directories', RESULT)
      const directory = script.do('load32', script.do('load32', RESULT))
      const [name, length] = script.place('secret')
      const open = 'wasi:filesystem/types#[method]descriptor.open-at'
      const file = script.ask(open, [directory, 0, name, length, 1, 3])
      const [at, size] = script.place('my secret')
      script.call('wasi:filesystem/types#[method]descriptor.write', file, at, size, 0n, RESULT)
      return script
    }
    const reading = (script: Script): Register => {
      script.call('wasi:filesystem/preopens#get-directories', RESULT)
      const directory = script.do('load32', script.do('load32', RESULT))
      const [name, length] = script.place('secret')
      script.do('store32', RESULT, 0)
      script.call('wasi:filesystem/types#[method]descriptor.open-at', directory, 0, name, length, 0, 1, RESULT)
      return script.do('load32', RESULT)
    }
    const both = writing()
    const found = reading(both)
    expect(registers((await runners.cheap.invokeEvent(both.event(), context())).payload)(found)).toBe(0n)
    const later = new Script()
    const missing = reading(later)
    for (const ending of ['return', 'trap', 'forever'] as const) {
      const script = writing()
      if (ending !== 'return') script.do(ending)
      await runners.cheap.invokeEvent(script.event(), context()).catch(() => undefined)
      for (const runner of [runners.cheap, neighbour]) {
        const { payload } = await runner.invokeEvent(later.event(), context())
        expect(registers(payload)(missing)).toBe(1n)
        expect((await probe.ask(runner)).found).toEqual(pristine)
      }
    }
  })

  it('cannot have the host touch memory that only an earlier invocation had', async () => {
    const latencies = new Latencies()
    // Within what the memory really has from then on, beyond what this invocation has of it.
    const [behind, pages] = [17 * 65_536 + 4096, 4]
    const grow = new Script()
    grow.do('grow', pages)
    grow.do('pages', HEAP + 0x1000, behind + 8192, SECRET)
    for (let round = 0; round < 20; round++) {
      for (const use of [
        (one: Script) => one.call('wasi:random/random#get-random-bytes', 100n, behind),
        (one: Script) =>
          one.call('wasi:io/streams#[method]output-stream.write', one.call('wasi:cli/stdout#get-stdout'), behind, 100, RESULT),
        // From the last bytes that it has to the first that it has not.
        (one: Script) => one.call('wasi:cli/environment#get-environment', 17 * 65_536 - 4),
      ]) {
        await runners.cheap.invokeEvent(grow.event(), context())
        const touch = new Script()
        use(touch)
        const attacked = runners.cheap.invokeEvent(touch.event(), context()).catch((error: unknown) => error)
        expect((await latencies.time(() => probe.ask(neighbour))).found).toEqual(pristine)
        expect(await attacked).toMatchObject({ code: 'FunctionTrapped' })
        expect((await probe.ask(runners.cheap)).found).toEqual(pristine)
      }
    }
    latencies.tell(`${restore}: neighbour of pointers behind the memory`)
  })

  it('has for /tmp what its memory limit leaves', async () => {
    const script = new Script()
    script.call('wasi:filesystem/preopens#get-directories', RESULT)
    const directory = script.do('load32', script.do('load32', RESULT))
    const [name, length] = script.place('big')
    const file = script.ask('wasi:filesystem/types#[method]descriptor.open-at', [directory, 0, name, length, 1, 3])
    const written = script.do('add', 0, 0)
    const start = script.here
    script.do('store32', RESULT, 0)
    script.call('wasi:filesystem/types#[method]descriptor.write', file, 0x20000, 65_536, written, RESULT)
    const failed = script.do('load32', RESULT)
    script.advance(written, 65_536)
    script.do('jumpIfZero', start, failed)
    const { payload, report } = await runners.rich.invokeEvent(script.event(), context())
    const bytes = registers(payload)(written)
    expect(bytes).toBeGreaterThan(4_000_000n)
    expect(bytes).toBeLessThan(16n * 1024n * 1024n)
    expect(report.memoryBytes).toBeLessThanOrEqual(16 * 1024 * 1024)
    expect((await probe.ask(runners.rich)).found).toEqual(pristine)
  })

  it('leaves the host able to serve after its stack has ended at every depth', async () => {
    for (let depth = 1; depth < 40; depth++) {
      const script = new Script()
      script.do('recurse', depth * 400)
      script.call('wasi:random/random#get-random-bytes', 100n, RESULT)
      await runners.rich.invokeEvent(script.event(), context()).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'FunctionTrapped' })
      })
      expect((await probe.ask(neighbour)).found).toEqual(pristine)
    }
    expect(lane.scheduler.canSuspend).toBe(true)
  })
})
