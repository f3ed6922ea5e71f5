import { LambdaClient } from '@aws-sdk/client-lambda'
import { expect } from 'vitest'
import { Ampoule, type Surroundings } from '../../cli/ampoule.ts'

export const WAIT = { timeout: 30_000, interval: 20 }

/** A host as a process of its own, whose standard output tells what functions did. */
export async function serve(folder: string, more: readonly string[] = [], surroundings: Surroundings = {}) {
  const args = ['serve', '--data', folder, '--port', '0', '--management-port', '0', '--lanes', '2', '--json', ...more]
  const ampoule = new Ampoule(args, surroundings)
  await expect.poll(() => ampoule.stdout + ampoule.stderr, WAIT).toContain('managing functions at ')
  const endpoint = /managing functions at (http:[^"\s]+)/.exec(ampoule.stdout)?.[1] ?? ''
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
  const client = new LambdaClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
  return {
    client,
    ampoule,
    /** Of the management API. */
    endpoint,
    /** What functions that log `ran WHAT` said. */
    ran: () => Array.from(ampoule.stdout.matchAll(/ran (\w+)/g), ([, what]) => what ?? ''),
    async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL') {
      client.destroy()
      ampoule.process.kill(signal)
      await ampoule.exited
    },
  }
}
