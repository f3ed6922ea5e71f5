import { setTimeout as wait } from 'node:timers/promises'
import { AmpouleError } from '../errors.ts'
import type { OutputOf } from '../gateway/management/contract.ts'
import type { ManagementClient } from './client.ts'

export type Configuration = OutputOf<'GetFunctionConfiguration'>

const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 500
/** Making a function may wait for others that are made before it. */
const PATIENCE_MS = 300_000

/** Waits until nothing of `FunctionName` (perhaps with a version) is under way any more. What has become of it is in the answer. */
export async function settled(client: ManagementClient, FunctionName: string): Promise<Configuration> {
  return until(client, `${FunctionName} to be ready`, async () => {
    const now = await client.call('GetFunctionConfiguration', { FunctionName })
    return now.State === 'Pending' || now.LastUpdateStatus === 'InProgress' ? undefined : now
  })
}

/** Asks again, less and less often, until there is an answer. Rejects with `DeadlineExceeded` when there is none after minutes. */
export async function until<T>(client: ManagementClient, what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const started = performance.now()
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() - started > PATIENCE_MS)
      throw new AmpouleError('DeadlineExceeded', `waited ${PATIENCE_MS / 1000} s for ${what}; the host is still at it`)
    await wait(pause, undefined, { signal: client.signal })
  }
}

/** Why the function, or its last change, did not come to be; undefined when it did. */
export function failureOf({ State, StateReason, LastUpdateStatus, LastUpdateStatusReason }: Configuration): string | undefined {
  if (State === 'Failed') return StateReason ?? 'the host could not make it'
  if (LastUpdateStatus === 'Failed') return LastUpdateStatusReason ?? 'the host could not make it'
  return undefined
}
