import { totalmem } from 'node:os'

/** Three quarters of what the process may use, in MiB; the rest is for the host itself. */
export function defaultCeilingMb(): number {
  // 0 or far beyond the machine's memory when no limit is set.
  const constrained = process.constrainedMemory()
  const bytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.max(64, Math.floor((bytes / 1024 / 1024) * 0.75))
}
