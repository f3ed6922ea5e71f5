import { parseArgs } from 'node:util'
import { machine, print, type Row } from './harness.ts'

/** Each bench is a module that exports `run`. */
const BENCHES = {
  restore: () => import('./restore.ts'),
  metering: () => import('./metering.ts'),
  http: () => import('./http.ts'),
  density: () => import('./density.ts'),
  coldstart: () => import('./coldstart.ts'),
  fairness: () => import('./fairness.ts'),
  devloop: () => import('./devloop.ts'),
  control: () => import('./control.ts'),
  events: () => import('./events.ts'),
} satisfies Record<string, () => Promise<{ run: () => Promise<readonly Row[]> }>>

const isBench = (name: string): name is keyof typeof BENCHES => name in BENCHES

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } })
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES)
for (const name of names) {
  if (!isBench(name)) {
    console.error(`unknown bench "${name}"; known: ${Object.keys(BENCHES).join(', ')}`)
    process.exit(2)
  }
  const { run } = await BENCHES[name]()
  const report = { bench: name, machine: machine(), rows: await run() }
  if (values.json) console.log(JSON.stringify(report))
  else print(report)
}
process.exit(0)
