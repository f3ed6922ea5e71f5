import { invalidArgument, KinesisError } from './error.ts'

/** Where a reader goes on. */
export interface ShardIterator {
  readonly stream: string
  readonly shard: number
  /** The last sequence that was read. */
  readonly after: number
  /** Milliseconds since the epoch. */
  readonly issuedMs: number
}

/** Kinesis: five minutes. */
const LIFE_MS = 5 * 60_000

/** Whoever may read streams may make one up: it opens nothing else. */
export const formatIterator = ({ stream, shard, after, issuedMs }: ShardIterator): string =>
  Buffer.from(JSON.stringify([stream, shard, after, issuedMs])).toString('base64url')

export function readIterator(text: string, now: number): ShardIterator {
  const found = parse(text)
  if (found === undefined) throw invalidArgument('Invalid ShardIterator.')
  if (now - found.issuedMs > LIFE_MS)
    throw new KinesisError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at ${new Date(found.issuedMs).toISOString()} and is valid for ${LIFE_MS / 60_000} minutes.`,
    )
  return found
}

function parse(text: string): ShardIterator | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || value.length !== 4) return undefined
  const [stream, shard, after, issuedMs] = value as readonly unknown[]
  if (typeof stream !== 'string' || !isCount(shard) || !isCount(after) || !isCount(issuedMs) || issuedMs > 8.64e15)
    return undefined
  return { stream, shard, after, issuedMs }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= -1
