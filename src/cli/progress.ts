import type { DeployProgress } from '../deploy.ts'
import type { Io } from './command.ts'
import { formatBytes } from './table.ts'

const STAGES = { build: 'building', compile: 'compiling', done: 'ready' } as const

/** Shows on standard error what is being deployed: on a terminal one line that changes, elsewhere a line per function that took time. */
export function deployProgress({ stderr }: Pick<Io, 'stderr'>, total: number): (progress: DeployProgress) => void {
  let done = 0
  return ({ function: name, stage, ms, cached }) => {
    if (stage === 'done') done++
    const took = `${(ms / 1000).toFixed(1)} s`
    if (stderr.isTTY === true) {
      const line = stage === 'done' && !cached ? `${name} built in ${took}\n` : ''
      const now = done === total ? '' : `[${done}/${total}] ${STAGES[stage]} ${name} …`
      stderr.write(`\r\u001B[K${line}${now}`)
    } else if (stage === 'build') stderr.write(`building ${name} …\n`)
    else if (stage === 'done' && !cached) stderr.write(`built ${name} in ${took}\n`)
  }
}

/** Shows on standard error how much of an upload has been sent: on a terminal one line that changes, elsewhere one line when it begins. */
export function uploadProgress({ stderr }: Pick<Io, 'stderr'>, name: string): (sent: number, total: number) => void {
  let begun = false
  return (sent, total) => {
    if (stderr.isTTY === true) stderr.write(`\r\u001B[Kuploading ${name}: ${formatBytes(sent)} of ${formatBytes(total)} …`)
    else if (!begun) stderr.write(`uploading ${name} (${formatBytes(total)}) …\n`)
    begun = true
  }
}

/** Ends the line that a terminal shows, before something else is written or after a failure. */
export function clearProgress({ stderr }: Pick<Io, 'stderr'>): void {
  if (stderr.isTTY === true) stderr.write('\r\u001B[K')
}
