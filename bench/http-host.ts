import { parseArgs } from 'node:util'
import { createArtifact } from '../src/component/artifact.ts'
import { startLanes } from '../src/engine/lanes.ts'
import { isSupported } from '../src/wasi/index.ts'
import { spec } from './engine.ts'
import { benchGuest, benchScript, type BenchGuest } from './guests.ts'

// A host with one lane, in a process of its own so that it can be pinned to a core. Prints `ready` when it listens.
const { positionals, values } = parseArgs({ allowPositionals: true, options: { port: { type: 'string', default: '0' } } })
const names = positionals as BenchGuest[]
const functions = await Promise.all(
  names.map(async (name) => ({
    artifact: (await benchScript(name)) ?? createArtifact(await benchGuest(name), { isSupported }),
    spec: { ...spec(name), minInstances: 1 },
  })),
)
const settings = names.map((name) => ({ name, kind: undefined, routes: [] }))
await startLanes({
  lanes: 1,
  program: new URL('./http-lane.ts', import.meta.url),
  data: { host: '127.0.0.1', port: Number(values.port), reusePort: false, program: { functions: settings } },
  functions,
  memoryCeilingMb: 8192,
  restore: 'auto',
  verifyEvery: 1000,
  onLaneFailure: (error) => console.error(error),
})
console.log('ready')
setInterval(() => {}, 60_000)
