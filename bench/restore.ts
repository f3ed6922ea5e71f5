import { createArtifact } from '../src/component/artifact.ts'
import { Instance } from '../src/engine/instance.ts'
import { engineParts } from '../src/engine/parts.ts'
import { instanceSource } from '../src/engine/prepare.ts'
import { SliceScheduler } from '../src/engine/slices.ts'
import { isSupported } from '../src/wasi/index.ts'
import { bare, context, spec } from './engine.ts'
import { benchArtifact, benchGuest, type BenchGuest } from './guests.ts'
import { encodeHttpEvent, type HttpEvent } from '../src/triggers/http-event.ts'
import { absolute, compare, interleave, type Row } from './harness.ts'

const request: HttpEvent = {
  id: 'bench',
  functionName: 'bench',
  deadlineMs: Date.now() + 60_000,
  method: 'POST',
  url: 'http://localhost/bench/echo?x=1',
  headers: [
    ['host', 'localhost'],
    ['content-type', 'application/json'],
  ],
  body: Buffer.from('{"hello":"world","n":42}'),
}

const TIMEOUT_MS = 60_000
const FUEL = 1_000_000_000_000n
const ROUNDS = 30

const GUESTS = [
  { name: 'C', guest: 'c', calls: 2000, fresh: 20, overhead: undefined, factor: undefined },
  { name: 'QuickJS', guest: 'quickjs', calls: 500, fresh: 5, overhead: 1.6, factor: 20 },
  { name: 'StarlingMonkey', guest: 'starlingmonkey-lambda', calls: 500, fresh: 2, overhead: 2.5, factor: 60 },
] as const

/** What isolation costs: a restored call beside a call without restore, and beside a fresh instance. */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { name, guest, calls, fresh, overhead, factor } of GUESTS) {
    const artifact = await benchArtifact(guest)
    const fn = await bare(name, artifact)
    const event = encodeHttpEvent(request, fn.material.events)
    const call = (instance: Instance): Promise<Uint8Array> => runOnce(instance, event)
    const restored = await fn.create()
    const kept = await fn.create()
    kept.reopen()
    const cold = await (await bare(name, artifact, { warm: false })).create()
    const unsnapshotted = await withoutSnapshot(name, guest)
    const answers = [await call(restored), await call(kept), await call(unsnapshotted())] as const
    if (!restored.restore(true)) throw new Error(`${name}: the restore does not verify`)
    kept.keep()
    for (const answer of answers)
      if (Buffer.compare(answers[0], answer) !== 0)
        throw new Error(`${name}: the restored, the kept and the fresh instance answer differently`)

    let restoreMs = 0
    const restores: number[] = []
    const [one, two, three] = await interleave(
      [
        {
          name: `${name}: restored call`,
          calls,
          run: async (n) => {
            restoreMs = 0
            for (let i = 0; i < n; i++) {
              await call(restored)
              const started = performance.now()
              if (!restored.restore(false)) throw new Error('restore failed')
              restoreMs += performance.now() - started
            }
            restores.push((restoreMs * 1000) / n)
          },
        },
        {
          name: 'call without restore',
          calls,
          run: async (n) => {
            for (let i = 0; i < n; i++) {
              await call(kept)
              kept.keep()
            }
          },
        },
        {
          name: `${name}: restored call, cold snapshot`,
          calls,
          run: async (n) => {
            for (let i = 0; i < n; i++) {
              await call(cold)
              if (!cold.restore(false)) throw new Error('restore failed')
            }
          },
        },
      ],
      ROUNDS,
    )
    // By itself: the collector is busy with thrown away instances for long after.
    const [four] = await interleave(
      [
        {
          name: `${name}: fresh instance + first call`,
          calls: fresh,
          run: async (n) => {
            for (let i = 0; i < n; i++) await call(unsnapshotted())
          },
        },
      ],
      ROUNDS,
    )
    rows.push(compare(one!, two!, overhead === undefined ? undefined : `<= ${overhead}`))
    rows.push(compare(three!, two!))
    rows.push(compare(four!, one!, factor === undefined ? undefined : `>= ${factor}`))
    rows.push(
      absolute({ name: `${name}: the restore alone`, unit: 'us', values: restores.slice(1) }, name === 'C' ? '<= 10 us' : ''),
    )
  }
  return rows
}

async function runOnce(instance: Instance, event: Uint8Array): Promise<Uint8Array> {
  const { ok, payload } = await instance.runEvent(event, context, TIMEOUT_MS, FUEL)
  if (!ok) throw new Error(`the guest failed: ${Buffer.from(payload).toString('latin1')}`)
  return payload
}

/**
 * Makes instances of the self-contained component (for a script: the same module, with its top level evaluated at build time), which
 * initialise themselves and are never restored: what a host without snapshots would have to do.
 */
async function withoutSnapshot(name: string, guest: BenchGuest): Promise<() => Instance> {
  const { plan, modules } = createArtifact(await benchGuest(guest), { isSupported })
  const compiled = await Promise.all(modules.map(({ bytes }) => WebAssembly.compile(bytes)))
  const material = { plan, modules: compiled, reports: modules.map(({ report }) => report), initialisation: modules }
  const source = instanceSource(spec(name), material, engineParts('auto'), new SliceScheduler())
  return () => new Instance(source)
}
