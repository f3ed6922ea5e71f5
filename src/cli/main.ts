import { build } from './build.ts'
import { devCronRun, devQueueSend, devStreamPut } from './dev-triggers.ts'
import { dev } from './dev.ts'
import { init } from './init.ts'
import { invoke } from './invoke.ts'
import { keyCreate, keyDelete, keyList } from './key.ts'
import { logs } from './logs.ts'
import { moduleInspect, moduleInstrument } from './module-commands.ts'
import { runCommandLine } from './run.ts'
import { serve } from './serve.ts'
import { test } from './test.ts'
import { usage } from './usage.ts'

/** Ctrl-C reaches this process from the terminal and once more from the launcher: only a signal after this is a second one. */
const SECOND_SIGNAL_MS = 1000

const interrupted = new AbortController()
let firstSignalAt = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!interrupted.signal.aborted) {
      firstSignalAt = performance.now()
      interrupted.abort()
    } else if (performance.now() - firstSignalAt > SECOND_SIGNAL_MS) process.exit(130)
  })
}

const { stdin, stdout, stderr } = process
const commands = [
  init,
  dev,
  devQueueSend,
  devStreamPut,
  devCronRun,
  serve,
  build,
  invoke,
  test,
  logs,
  usage,
  keyCreate,
  keyList,
  keyDelete,
  moduleInstrument,
  moduleInspect,
]
process.exitCode = await runCommandLine(process.argv.slice(2), commands, { stdin, stdout, stderr, signal: interrupted.signal })
// Whatever a finished command left behind (a pipe that is still open, an idle thread) must not keep the process.
stdout.write('', () => stderr.write('', () => process.exit()))
