import type { Control } from '../../control/control.ts'
import { invalid, noSuchGroup } from './error.ts'
import type { LogsInput } from './input.ts'

/** AWS, PutRetentionPolicy: "Possible values are". */
const DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

export async function putRetentionPolicy(input: LogsInput, control: Control): Promise<void> {
  const group = input.group(control.account)
  const days = input.integer('retentionInDays', { min: 1 })
  input.end()
  if (days === undefined || !DAYS.includes(days))
    throw invalid(`retentionInDays is ${days ?? 'missing'}: it must be one of ${DAYS.join(', ')}`)
  if (!(await control.logs.store.retain(group, days))) throw noSuchGroup()
}

export async function deleteRetentionPolicy(input: LogsInput, control: Control): Promise<void> {
  const group = input.group(control.account)
  input.end()
  if (!(await control.logs.store.retain(group, undefined))) throw noSuchGroup()
}

export async function deleteLogGroup(input: LogsInput, control: Control): Promise<void> {
  const group = input.group(control.account)
  input.end()
  if (!(await control.logs.store.deleteGroup(group))) throw noSuchGroup()
}
