import { createServer, type AddressInfo } from 'node:net'
import { listenError } from './listen.ts'

/**
 * The port, made sure to be free. The lanes share theirs with each other (`reusePort`), and would share it with another
 * process of the same user just as silently: so it is bound alone first.
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    probe.listen({ host, port }, resolve)
  })
  const claimed = (probe.address() as AddressInfo).port
  await new Promise((resolve) => probe.close(resolve))
  return claimed
}
