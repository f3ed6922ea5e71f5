import { Agent, request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { CHEAP } from './lane.ts'
import { componentFromWat, guest } from '../guests/index.ts'
import { hostileInput } from '../guests/hostile.ts'
import { createArtifact } from '../../src/component/artifact.ts'
import type { DeployedFunction, FunctionSpec, LaneGroup, LaneOptions } from '../../src/engine/contract.ts'
import { startLanes } from '../../src/engine/lanes.ts'
import { isSupported } from '../../src/wasi/index.ts'
import { freePort } from '../tools/free-port.ts'

const DEADLINE_MS = 20_000
const POLL = { timeout: DEADLINE_MS }

interface Answer {
  readonly text: string
  /** The lane's thread. */
  readonly lane: string
}

/** One client on one connection, so that always the same lane answers. */
class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  ask(path: string, body: Uint8Array = new Uint8Array(0)): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.#port,
        path,
        method: 'POST',
        agent: this.#agent,
        timeout: DEADLINE_MS,
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${path} within ${DEADLINE_MS} ms`)))
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        const lane = String(incoming.headers['x-lane'])
        buffer(incoming).then((bytes) => resolve({ text: bytes.toString('latin1'), lane }), reject)
      })
      outgoing.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** A function that answers one letter. */
async function letter(name: string, text: string, spec: Partial<FunctionSpec> = {}): Promise<DeployedFunction> {
  const component = await componentFromWat(`(module
    (memory (export "memory") 1)
    (data (i32.const 16) "${text}")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "handle") (param i32 i32) (result i32)
      (i32.store (i32.const 4) (i32.const 16)) (i32.store (i32.const 8) (i32.const 1)) (i32.const 0)))`)
  return deployed(name, component, spec)
}

function deployed(name: string, component: Uint8Array, spec: Partial<FunctionSpec> = {}): DeployedFunction {
  return {
    artifact: createArtifact(component, { isSupported }),
    spec: { name, limits: CHEAP, variables: [], concurrency: 10, minInstances: 2, idleMs: 60_000, ...spec },
  }
}

/** A hung lane is noticed within a test's time. */
const HASTY = { everyMs: 50, silentMs: 800 }

const running = { ...CHEAP, timeoutMs: 500, fuel: 1_000_000_000_000n }

describe('lanes', () => {
  let group: LaneGroup | undefined
  const clients: Client[] = []
  const failures: Error[] = []

  const start = async (functions: readonly DeployedFunction[], options: Partial<LaneOptions> = {}): Promise<LaneGroup> => {
    failures.length = 0
    group = await startLanes({
      lanes: 2,
      program: new URL('./lane-program.ts', import.meta.url),
      data: { host: '127.0.0.1', port: await freePort(), reusePort: true, program: undefined },
      functions,
      memoryCeilingMb: 1024,
      restore: 'auto',
      verifyEvery: 1,
      onLaneFailure: (error) => failures.push(error),
      ...options,
    })
    return group
  }

  /** Clients of as many different lanes, none of them in `without`. */
  const clientsOf = async (count: number, without: readonly string[] = []): Promise<(readonly [Client, string])[]> => {
    const found = new Map<string, Client>()
    const deadline = performance.now() + DEADLINE_MS
    while (found.size < count) {
      if (performance.now() > deadline) throw new Error(`found ${found.size} lanes of ${count}`)
      const client = new Client(group?.port ?? 0)
      clients.push(client)
      const lane = await client.ask('/pools').then(
        (answer) => answer.lane,
        () => undefined,
      )
      if (lane === undefined || found.has(lane) || without.includes(lane)) client.close()
      else found.set(lane, client)
    }
    return [...found].map(([lane, client]) => [client, lane] as const)
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await group?.stop(100)
    group = undefined
  })

  it('all serve, each with its part of the prewarmed minimum, which is a total', async () => {
    await start([await letter('a', 'A', { minInstances: 3 }), await letter('b', 'B', { minInstances: 1 })])
    const two = await clientsOf(2)
    const sizes = await Promise.all(two.map(([client]) => client.ask('/pools')))
    const total = (name: string): number =>
      sizes.reduce((sum, { text }) => sum + Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]), 0)
    expect([total('a'), total('b')]).toEqual([3, 1])
    for (const [client] of two) {
      expect((await client.ask('/invoke/a')).text).toBe('ok A')
      expect((await client.ask('/invoke/b')).text).toMatch(/ B$/)
    }
  })

  it.each(['exit', 'throw', 'reject'])(
    'a lane that dies (%s) is replaced while the other goes on, and gives back what it held',
    async (misdeed) => {
      await start([deployed('loop', await guest('hostile'), { concurrency: 2, limits: running }), await letter('a', 'A')])
      const [[first, dying], [second, living]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
      const [killer] = (await clientsOf(1, [living]))[0] as readonly [Client, string]
      const held = first.ask('/invoke/loop?times=2', hostileInput('loop')).catch(() => 'gone')
      // All that the function may run is held by the lane that is about to die.
      while ((await killer.ask('/begun')).text !== '2');
      expect((await second.ask('/invoke/loop', hostileInput('length'))).text).toBe('TooManyRequests')
      const served = (async () => {
        for (let n = 0; n < 50; n++)
          expect(await second.ask('/invoke/a')).toEqual({ text: expect.stringMatching(/ A$/) as string, lane: living })
      })()
      await Promise.allSettled([killer.ask(`/do/${misdeed}`)])
      expect(await held).toBe('gone')
      await served
      expect(failures).toHaveLength(1)
      const [replacement] = (await clientsOf(1, [living, dying]))[0] as readonly [Client, string]
      // Nothing of the dead lane's counts is left: both may run again.
      const again = await replacement.ask('/invoke/loop?times=2', hostileInput('loop'))
      expect(again.text).toBe('DeadlineExceeded\nDeadlineExceeded')
    },
  )

  it.each(['sleep', 'spin'])('a lane whose own code hangs (%s) is replaced', async (misdeed) => {
    await start([await letter('a', 'A')], { watch: HASTY })
    const [[first, hanging], [second, living]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
    const hung = first.ask(`/do/${misdeed}`).catch(() => 'gone')
    expect((await second.ask('/invoke/a')).lane).toBe(living)
    expect(await hung).toBe('gone')
    const [replacement] = (await clientsOf(1, [living, hanging]))[0] as readonly [Client, string]
    expect((await replacement.ask('/invoke/a')).text).toBe('ok A')
    expect(failures).toHaveLength(1)
  })

  it('count the invocations of a function over all of them, exactly', async () => {
    await start([deployed('loop', await guest('hostile'), { concurrency: 3, limits: running })])
    const two = await clientsOf(2)
    const outcomes = await Promise.all(two.map(([client]) => client.ask('/invoke/loop?times=5', hostileInput('loop'))))
    const all = outcomes.flatMap(({ text }) => text.split('\n')).sort()
    expect(all).toEqual([...Array<string>(3).fill('DeadlineExceeded'), ...Array<string>(7).fill('TooManyRequests')])
    for (const [client] of two) expect((await client.ask('/invoke/loop', hostileInput('length'))).text).toMatch(/^(ok|fresh) /)
  })

  it('hold the limits of quotas, of which functions may share one, from the moment they are set', async () => {
    const group = await start([await letter('a', 'A', { quota: 'q' }), await letter('b', 'B', { quota: 'q' })])
    const outcomes = async (): Promise<readonly string[]> => {
      const answers: string[] = []
      for (const [client] of await clientsOf(2))
        for (const name of ['a', 'b']) answers.push((await client.ask(`/invoke/${name}`)).text)
      return answers
    }
    const refused = Array<string>(4).fill('TooManyRequests')
    expect(await outcomes()).toEqual(['ok A', 'ok B', 'ok A', 'ok B'])
    group.limit('q', 0)
    expect(await outcomes()).toEqual(refused)
    group.limit('q', undefined)
    group.limit(undefined, 0)
    expect(await outcomes()).toEqual(refused)
  })

  it('keep what is provisioned ready, each its part, also one that was replaced', async () => {
    const group = await start([await letter('a', 'A', { minInstances: 0 })])
    expect(group.instances('a')).toBe(0)
    await group.provision('a', 5)
    expect(group.instances('a')).toBe(5)
    for (const [client] of await clientsOf(1)) await client.ask('/do/exit').catch(() => undefined)
    await expect.poll(() => failures.length, POLL).toBe(1)
    await expect.poll(() => group.instances('a'), POLL).toBe(5)
    await group.provision('a', 0)
    expect(group.provisionedInUse('a')).toBe(0)
  })

  it('let a client that is bound to one of them use all instances of a function', async () => {
    await start([
      deployed('loop', await guest('hostile'), { concurrency: 4, minInstances: 4, limits: running }),
      await letter('a', 'A'),
    ])
    const [[client, lane], [other]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
    expect((await client.ask('/pools')).text).toBe('loop 2\na 1')
    const { text } = await client.ask('/invoke/loop?times=4', hostileInput('loop'))
    expect(text.split('\n')).toEqual(Array<string>(4).fill('DeadlineExceeded'))
    // All four ran here; other functions keep theirs: only what counts against this one was taken, from the other lane.
    expect(await client.ask('/pools')).toEqual({ text: 'loop 4\na 1', lane })
    expect((await other.ask('/pools')).text).toBe('loop 0\na 1')
  })

  it('share the memory of the host: an idle instance elsewhere makes room', async () => {
    const hostile = await guest('hostile')
    const big = { ...running, memoryMb: 16 }
    // With copies every instance has its whole memory: two fit, one in each lane.
    const options = { restore: 'copy', memoryCeilingMb: 4 } as const
    await start(
      [deployed('one', hostile, { minInstances: 2, limits: big }), deployed('two', hostile, { minInstances: 0, limits: big })],
      options,
    )
    const [[client], [other]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
    const { text } = await client.ask('/invoke/two?times=2', hostileInput('loop'))
    expect(text).toBe('DeadlineExceeded\nDeadlineExceeded')
    expect((await client.ask('/pools')).text).toBe('one 0\ntwo 2')
    expect((await other.ask('/pools')).text).toBe('one 0\ntwo 0')
  })

  it('swap a function for its new version without a failed request', async () => {
    const lanes = await start([await letter('a', 'A')])
    const two = await clientsOf(2)
    const state = { deploying: true }
    const seen = new Set<string>()
    const asking = two.map(async ([client]) => {
      while (state.deploying) {
        const { text } = await client.ask('/invoke/a?times=3')
        for (const outcome of text.split('\n')) seen.add(outcome.slice(-2))
      }
    })
    for (const version of ['B', 'C', 'D']) await lanes.deploy(await letter('a', version))
    await Promise.all([
      lanes.deploy(await letter('a', 'E')),
      lanes.deploy(await letter('a', 'F')),
      lanes.deploy(await letter('new', 'N')),
    ])
    state.deploying = false
    await Promise.all(asking)
    expect([...seen].filter((outcome) => !/^ [A-F]$/.test(outcome))).toEqual([])
    for (const [client] of two) {
      expect((await client.ask('/invoke/a')).text).toMatch(/ F$/)
      expect((await client.ask('/invoke/new')).text).toMatch(/ N$/)
    }
    expect(failures).toEqual([])
  })

  it('swap and remove a function without waiting for what runs, which ends as it had begun', async () => {
    const limits = { ...running, timeoutMs: DEADLINE_MS / 2 }
    const lanes = await start([deployed('a', await guest('hostile'), { limits })])
    const [[client], [other]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
    const old = client.ask('/invoke/a', hostileInput('loop'))
    await expect.poll(async () => Number((await other.ask('/begun')).text) + lanes.instances('a'), POLL).toBeGreaterThan(0)
    await lanes.deploy(await letter('a', 'B'))
    expect((await other.ask('/invoke/a')).text).toMatch(/ B$/)
    await lanes.remove('a')
    expect((await other.ask('/invoke/a')).text).toBe('FunctionNotFound')
    expect(lanes.instances('a')).toBe(0)
    await lanes.deploy(await letter('a', 'C'))
    expect((await other.ask('/invoke/a')).text).toMatch(/ C$/)
    expect((await old).text).toBe('DeadlineExceeded')
  })

  it('ask the main thread and hear what it tells all of them', async () => {
    const lanes = await start([], {
      answer: (question) =>
        question === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve(`answer to ${String(question)}`),
    })
    await lanes.tell('news')
    for (const [client] of await clientsOf(2)) {
      expect((await client.ask('/told')).text).toBe('news')
      expect((await client.ask('/ask', Buffer.from('this'))).text).toBe('answer to this')
      expect((await client.ask('/ask', Buffer.from('bad'))).text).toBe('refused: AmpouleError: no')
    }
  })

  it('gives a lane that was being replaced meanwhile the new version', async () => {
    const lanes = await start([await letter('a', 'A')])
    const [[first, dying], [, living]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
    await first.ask('/do/exit').catch(() => undefined)
    // Some come before it starts, some while it does, some afterwards.
    const versions = await Promise.all('BCDEFGHIJKLMNOPQRSTUVWXYZ'.split('').map((version) => letter('a', version)))
    for (const version of versions) await lanes.deploy(version)
    const [replacement] = (await clientsOf(1, [living, dying]))[0] as readonly [Client, string]
    expect((await replacement.ask('/invoke/a')).text).toMatch(/ Z$/)
    expect(failures).toHaveLength(1)
  })

  it('refuse a new version that cannot be initialised, and keep the old one', async () => {
    const lanes = await start([await letter('a', 'A')])
    const broken = await componentFromWat(`(module (memory (export "memory") 1)
      (func $begin (unreachable)) (start $begin)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "handle") (param i32 i32) (result i32) (i32.const 0)))`)
    await expect(lanes.deploy(deployed('a', broken))).rejects.toMatchObject({ code: 'FunctionTrapped' })
    for (const [client] of await clientsOf(2)) expect((await client.ask('/invoke/a')).text).toBe('ok A')
  })

  it('finish what runs when they are stopped, and then listen no more', async () => {
    const lanes = await start([deployed('loop', await guest('hostile'), { limits: running }), await letter('a', 'A')])
    const two = await clientsOf(2)
    const pending = two.map(([client]) => client.ask('/invoke/loop', hostileInput('loop')))
    for (const [, lane] of two) {
      const others = two.map(([, other]) => other).filter((other) => other !== lane)
      const [beside] = (await clientsOf(1, others))[0] as readonly [Client, string]
      while ((await beside.ask('/begun')).text !== '1');
    }
    const stopped = lanes.stop(5_000)
    group = undefined
    for (const { text } of await Promise.all(pending)) expect(text).toBe('DeadlineExceeded')
    await stopped
    await expect(new Client(lanes.port).ask('/pools')).rejects.toThrow(/ECONNREFUSED/)
    expect(failures).toEqual([])
  })

  it('are watched before they listen, too: one that hangs while it starts is ended with the reason', async () => {
    const data = { host: '127.0.0.1', port: await freePort(), reusePort: true, program: 'hang' }
    await expect(start([await letter('a', 'A')], { data, watch: HASTY })).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringContaining('event loop has not turned') as string,
    })
  })

  it('are replaced also when their replacement hangs', async () => {
    const lanes = await start([await letter('a', 'A')], { watch: HASTY })
    const [[victim, dying], [, living]] = (await clientsOf(2)) as [readonly [Client, string], readonly [Client, string]]
    await lanes.update('hang')
    victim.ask('/do/exit').catch(() => undefined)
    const deadline = performance.now() + DEADLINE_MS
    while (!failures.some(({ message }) => message.includes('event loop has not turned'))) {
      if (performance.now() > deadline) throw new Error(`told were only: ${failures.map(String).join('; ')}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await lanes.update(undefined)
    const [replacement] = (await clientsOf(1, [living, dying]))[0] as readonly [Client, string]
    expect((await replacement.ask('/invoke/a')).text).toBe('ok A')
  })

  it('fail to start with the reason, and leave nothing behind', async () => {
    const held = createServer()
    await new Promise<void>((resolve) => held.listen(0, '127.0.0.1', resolve))
    const { port } = held.address() as AddressInfo
    const data = { host: '127.0.0.1', port, reusePort: true, program: undefined }
    await expect(start([await letter('a', 'A')], { data })).rejects.toMatchObject({
      message: expect.stringContaining('EADDRINUSE') as string,
    })
    await new Promise((resolve) => held.close(resolve))
  })
})
