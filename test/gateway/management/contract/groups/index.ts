import type { Group } from '../case.ts'
import { access } from './access.ts'
import { aliases } from './aliases.ts'
import { asynchronous } from './asynchronous.ts'
import { concurrency } from './concurrency.ts'
import { functions } from './functions.ts'
import { invocations } from './invocations.ts'
import { layers } from './layers.ts'
import { runtime } from './runtime.ts'
import { sources } from './sources.ts'
import { updates } from './updates.ts'

/** In this order: the first one lists the functions that there are. */
export const GROUPS: readonly Group[] = [
  functions,
  updates,
  aliases,
  invocations,
  layers,
  concurrency,
  asynchronous,
  access,
  sources,
  runtime,
]
