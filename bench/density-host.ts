import { readFileSync } from 'node:fs'
import { bare, context } from './engine.ts'
import { benchArtifact, type BenchGuest } from './guests.ts'
import { encodeHttpEvent } from '../src/triggers/http-event.ts'
import type { Instance } from '../src/engine/instance.ts'

// One process of the density bench: instances that have each served one invocation and then idled.
const FEWER = 100
const ALL = 1_000

const fn = await bare('density', await benchArtifact(process.argv[2] as BenchGuest))
const event = encodeHttpEvent(
  {
    id: 'density',
    functionName: 'density',
    deadlineMs: Date.now() + 60_000,
    method: 'POST',
    url: 'http://localhost/',
    headers: [['host', 'localhost']],
    body: Buffer.from('{}'),
  },
  fn.material.events,
)
const instances: Instance[] = []
let createMs = 0

const until = async (count: number): Promise<number> => {
  while (instances.length < count) {
    const started = performance.now()
    const instance = await fn.create()
    createMs += performance.now() - started
    await instance.runEvent(event, context, 60_000, 1_000_000_000_000n)
    if (!instance.restore(false)) throw new Error('the restore failed')
    instances.push(instance)
  }
  // As the pool does with instances that have been idle for seconds.
  for (const instance of instances) instance.trim()
  globalThis.gc?.()
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8')
  return [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0)
}

const fewerPrivateKib = await until(FEWER)
const privateKib = await until(ALL)
process.send!({ instances: ALL, privateKib, fewerInstances: FEWER, fewerPrivateKib, createMs: createMs / ALL }, () =>
  process.exit(0),
)
