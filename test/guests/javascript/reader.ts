/** The files that the event names, and what is in the folders that a component can see. */
import { readdirSync, readFileSync } from 'node:fs'

export const handler = (paths: readonly string[]): unknown => ({
  files: paths.map((path) => readFileSync(path, 'utf8')),
  opt: readdirSync('/opt', { recursive: true }),
  task: readdirSync('/var/task'),
})
