import { aliasCommands } from './alias.ts'
import { build } from './build.ts'
import { concurrencyCommands } from './concurrency.ts'
import { cronCommands } from './cron.ts'
import { deploy } from './deploy.ts'
import { devCronRun, devQueueSend, devStreamPut } from './dev-triggers.ts'
import { dev } from './dev.ts'
import { functionCommands } from './function.ts'
import { init } from './init.ts'
import { invoke } from './invoke.ts'
import { keyCreate, keyDelete, keyList } from './key.ts'
import { logs } from './logs.ts'
import { layerCommands } from './layer.ts'
import { moduleInspect, moduleInstrument } from './module-commands.ts'
import { queueCommands } from './queue.ts'
import { runCommandLine } from './run.ts'
import { serve } from './serve.ts'
import { streamCommands } from './stream.ts'
import { test } from './test.ts'
import { triggerCommands } from './trigger.ts'
import { usage } from './usage.ts'
import { urlCommands } from './url.ts'
import { versionCommands } from './version.ts'

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
  deploy,
  ...functionCommands,
  ...versionCommands,
  ...aliasCommands,
  ...layerCommands,
  ...concurrencyCommands,
  ...urlCommands,
  ...queueCommands,
  ...streamCommands,
  ...triggerCommands,
  ...cronCommands,
  keyCreate,
  keyList,
  keyDelete,
  moduleInstrument,
  moduleInspect,
]
const groups = {
  function: 'Managed functions of a host: what they are, and their settings.',
  version: 'Their versions, which never change.',
  alias: 'Names that lead to versions.',
  layer: 'Packages and files that functions share.',
  concurrency: 'How much runs at once, and what is kept ready.',
  url: 'Addresses for HTTP.',
  queue: 'Messages that wait for functions.',
  stream: 'Records that functions read in their order.',
  cron: 'Functions that run at certain times.',
  trigger: 'Which queues and streams functions are given messages and records of.',
  key: 'Access keys of a management API, in the folder of a host that is stopped.',
}
const io = { stdin, stdout, stderr, signal: interrupted.signal }
process.exitCode = await runCommandLine(process.argv.slice(2), commands, io, groups)
// Whatever a finished command left behind (a pipe that is still open, an idle thread) must not keep the process.
stdout.write('', () => stderr.write('', () => process.exit()))
