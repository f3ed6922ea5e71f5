import { Agent } from 'node:http'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scriptArtifact } from '../src/component/artifact.ts'
import type { Artifact } from '../src/component/contract.ts'
import { openArtifactStore } from '../src/component/store.ts'
import { startLanes } from '../src/engine/lanes.ts'
import { isSupported } from '../src/wasi/index.ts'
import { spec } from './engine.ts'
import { benchGuest, benchScript, type BenchGuest } from './guests.ts'
import { absolute, type Row } from './harness.ts'
import { freePort, post } from './load.ts'

const ROUNDS = 15
const BODY = '{"hello":"world","n":42}'

const CASES: readonly {
  readonly guest: BenchGuest
  readonly beside: BenchGuest
  readonly name: string
  readonly wanted: string
}[] = [
  { guest: 'c', beside: 'c', name: 'C', wanted: '<= 3 ms' },
  { guest: 'quickjs', beside: 'quickjs-other', name: 'QuickJS', wanted: '<= 30 ms' },
  { guest: 'starlingmonkey', beside: 'starlingmonkey-lambda', name: 'StarlingMonkey', wanted: '<= 80 ms' },
]

/** From an artifact on disk, or a bundled script, to the first response over HTTP, in a running host with one lane. */
export async function run(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-coldstart-'))
  try {
    const store = await openArtifactStore(folder, { isSupported })
    const rows: Row[] = []
    for (const { guest, beside, name, wanted } of CASES) {
      const open = async (name: BenchGuest): Promise<() => Promise<Artifact | undefined>> => {
        const artifact = await benchScript(name)
        if (artifact?.script === undefined) {
          const { id } = await store.put(await benchGuest(name))
          return () => store.load(id)
        }
        const file = join(folder, `${name}.js`)
        await writeFile(file, artifact.script.bytes)
        // The engine stays open, as in a host (src/build/engine-artifact.ts).
        return async () => scriptArtifact(artifact, await readFile(file))
      }
      const own = await open(guest)
      const other = await open(beside)
      const port = await freePort()
      const names = ['served', ...Array.from({ length: ROUNDS + 1 }, (_, i) => `cold${i}`)]
      const group = await startLanes({
        lanes: 1,
        program: new URL('./http-lane.ts', import.meta.url),
        data: {
          host: '127.0.0.1',
          port,
          reusePort: false,
          program: { functions: names.map((name) => ({ name, kind: undefined, routes: [] })) },
        },
        functions: [],
        memoryCeilingMb: 8192,
        restore: 'auto',
        verifyEvery: 0,
        onLaneFailure: (error) => console.error(error),
      })
      const agent = new Agent({ keepAlive: true })
      const start = async (name: string, load: typeof own): Promise<number> => {
        const started = performance.now()
        const artifact = await load()
        if (artifact === undefined) throw new Error('the artifact is not there')
        await group.deploy({ artifact, spec: spec(name) })
        await post(`http://127.0.0.1:${port}/${name}`, BODY, agent)
        return performance.now() - started
      }
      // A running host has served others: what its own first request costs is no function's.
      await start('served', await open(name === 'C' ? 'quickjs' : 'c'))
      // The first function of its language runtime compiles it; its time is told apart.
      const first = await start('cold0', other)
      const values: number[] = []
      for (let round = 1; round <= ROUNDS; round++) values.push(await start(`cold${round}`, own))
      rows.push(absolute({ name: `${name}, beside another function of its language`, unit: 'ms', values }, wanted))
      rows.push(absolute({ name: `${name}, the first of its language in the process`, unit: 'ms', values: [first] }, ''))
      agent.destroy()
      await group.stop(0)
    }
    return rows
  } finally {
    await rm(folder, { recursive: true })
  }
}
