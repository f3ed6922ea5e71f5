import { warmEvents } from './warm.ts'
import { Mounts } from './files/mounts.ts'
import { prepareLink } from '../component/link.ts'
import { createWasi } from '../wasi/index.ts'
import type { EngineParts } from './prepare.ts'
import { chooseStrategy, type RestoreChoice } from './restore/index.ts'

/** The engine's parts for this thread: the same choice of strategy in every thread of the process, since images are shared. */
export function engineParts(restore: RestoreChoice): EngineParts {
  return { strategy: chooseStrategy(restore).strategy, prepareLink, createWasi, mounts: new Mounts(), warmEvents: warmEvents() }
}
