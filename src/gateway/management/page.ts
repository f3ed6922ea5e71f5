import { invalidParameter } from '../../functions/lambda-error.ts'
import type { Key } from '../../store/contract.ts'

interface Paging {
  readonly Marker?: string | undefined
  readonly MaxItems?: number | undefined
}

/** Lambda gives no more at once, whatever is asked for. */
const MOST = 50

/**
 * One page of a list that is ordered by key. `read` gives at most `limit` items behind `after`. Throws `InvalidParameterValueException` for a marker
 * that is not from here.
 */
export async function page<T>(
  { Marker, MaxItems = MOST }: Paging,
  read: (range: { readonly after?: Key; readonly limit: number }) => Promise<readonly T[]>,
  keyOf: (item: T) => Key,
): Promise<{ readonly items: readonly T[]; readonly NextMarker: string | undefined }> {
  const size = Math.min(MaxItems, MOST)
  const after = Marker === undefined || Marker === '' ? undefined : readMarker(Marker)
  const found = await read({ limit: size + 1, ...(after !== undefined && { after }) })
  const items = found.slice(0, size)
  const last = items.at(-1)
  return { items, NextMarker: found.length > size && last !== undefined ? writeMarker(keyOf(last)) : undefined }
}

const writeMarker = (key: Key): string => Buffer.from(JSON.stringify(key)).toString('base64url')

function readMarker(marker: string): Key {
  try {
    const value: unknown = JSON.parse(Buffer.from(marker, 'base64url').toString('utf8'))
    if (Array.isArray(value) && value.every((part) => typeof part === 'string' || typeof part === 'number')) return value
  } catch {
    // Answered below.
  }
  throw invalidParameter(`The Marker ${JSON.stringify(marker.slice(0, 100))} is not one that this operation gave`)
}
