import type { CanonicalAccess } from './access.ts'

/** Bytes: what an interpreter allocates most, larger ones first so that they do not end in pieces. */
const SIZES = [4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8]
/** One allocation that lands higher than all before may be a hole's; so many in a row come from the heap's end. */
const IN_A_ROW = 4
/** Never so many in a heap that has an end: an allocator that answers without order is left alone. */
const MAX_CALLS = 200_000

/**
 * Fills what a guest's allocator holds free between its allocations, for good, so that from then on allocations lie side by side at the
 * heap's end: an invocation then writes fewer pages, and fewer have to be put back after it. Last before the snapshot.
 */
export function plugHoles(access: Pick<CanonicalAccess, 'realloc'>): void {
  let end = 0
  let calls = 0
  for (const size of SIZES) {
    for (let row = 0; row < IN_A_ROW && calls < MAX_CALLS; calls++) {
      const pointer = access.realloc(0, 0, 1, size)
      row = pointer > end ? row + 1 : 0
      end = Math.max(end, pointer)
    }
  }
}
