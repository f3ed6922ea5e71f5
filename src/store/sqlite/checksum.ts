import type { SQLOutputValue } from 'node:sqlite'
import { crc32 } from 'node:zlib'

/** Of a text, or none, and bytes: SQLite notices damage of its own structure only. */
export const checksumOf = (text: string | null, bytes: Uint8Array): number => crc32(bytes, text === null ? 0 : crc32(text))

/** Throws when something is not as it was written. `kept`: no number where nothing was kept. */
export function requireWhole(kept: SQLOutputValue | undefined, now: number, what: string): void {
  if (typeof kept === 'number' && kept !== now)
    throw new Error(`${what} is damaged on disk: restore the data folder from a backup, or delete what it is in`)
}
