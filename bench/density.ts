import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../bin/node.mjs'
import { benchArtifact } from './guests.ts'
import { absolute, type Row } from './harness.ts'

interface Measured {
  readonly instances: number
  /** KiB, from /proc/self/smaps_rollup. */
  readonly privateKib: number
  readonly fewerInstances: number
  readonly fewerPrivateKib: number
  readonly createMs: number
}

const ROUNDS = 3

/** What an idle pooled instance holds for itself, and that a thousand of them live in one process. */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const [guest, name, wanted] of [
    ['starlingmonkey', 'StarlingMonkey', '<= 1.0 MB'],
    ['quickjs', 'QuickJS', ''],
    ['c', 'C', ''],
  ] as const) {
    // Builds what is not cached yet, outside the measured process.
    await benchArtifact(guest)
    const samples: Measured[] = []
    for (let round = 0; round < ROUNDS; round++) samples.push(await inChild(guest))
    const perInstance = samples.map(
      (sample) => (sample.privateKib - sample.fewerPrivateKib) / (sample.instances - sample.fewerInstances) / 1024,
    )
    rows.push(
      absolute(
        { name: `${name}: private memory of an idle instance, ${samples[0]!.instances} alive`, unit: 'MB', values: perInstance },
        wanted,
      ),
    )
    rows.push(absolute({ name: `${name}: making one`, unit: 'ms', values: samples.map(({ createMs }) => createMs) }, ''))
  }
  return rows
}

function inChild(guest: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./density-host.ts', import.meta.url)), [guest], {
      execArgv: [...NODE_FLAGS, '--expose-gc'],
    })
    child.once('message', (message) => resolve(message as Measured))
    child.once('exit', (code) => reject(new Error(`the measured process ended with code ${code}`)))
  })
}
