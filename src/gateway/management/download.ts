import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { LinkAnswer, Question } from '../../control/lane-protocol.ts'
import { AmpouleError } from '../../errors.ts'
import { LambdaError } from '../../functions/lambda-error.ts'
import type { ManagementLaneOptions } from './lane.ts'

/** Answers a link to code (src/control/links.ts). The link says who may have it: nothing else is asked. Throws a `LambdaError`. */
export async function download(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { supervisor, inFlight }: Pick<ManagementLaneOptions, 'supervisor' | 'inFlight'>,
): Promise<void> {
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
    throw new LambdaError('AccessDeniedException', 'A link to code can only be read')
  const question: Question = { kind: 'link', target: incoming.url ?? '' }
  const answer = (await supervisor.ask(question)) as LinkAnswer
  if (!answer.ok) throw new LambdaError(answer.type, answer.message, { members: answer.members })
  const { sha256, path, bytes } = answer
  const file = createReadStream(path)
  const running = { abort: () => void outgoing.destroy() }
  inFlight.enter(running)
  try {
    outgoing.writeHead(200, {
      'content-type': 'application/zip',
      'content-length': bytes,
      'cache-control': 'no-store',
      ...(inFlight.draining && { connection: 'close' }),
    })
    if (incoming.method === 'HEAD') outgoing.end()
    else await pipeline(file, verified(sha256), outgoing)
  } catch {
    // The client is gone, or is told by the end of the connection that what came is not all.
    outgoing.destroy()
  } finally {
    file.destroy()
    inFlight.leave(running)
  }
}

/** Keeps the end back until everything has been found to be what it should be. */
const verified = (sha256: string) =>
  async function* (file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    let last: Buffer | undefined
    for await (const part of file) {
      hash.update(part)
      if (last !== undefined) yield last
      last = part
    }
    if (hash.digest('hex') !== sha256) throw new AmpouleError('Internal', `the stored code ${sha256} does not match its hash`)
    if (last !== undefined) yield last
  }
