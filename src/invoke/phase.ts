import type { FunctionRunner } from '../engine/contract.ts'

/**
 * Resolves when this turn of the event loop has read what its sockets had for it. Guests start, and answers go out, behind it: a lane
 * under load then reads requests, runs guests and writes answers by the dozen, each with its code and data in the processor's caches,
 * where taking turns would evict them with every request (`npm run bench http`). A lane that has nothing else to do loses microseconds;
 * in one where others wait for their slices a turn costs a slice, and nothing is put off (`npm run bench fairness`).
 */
export const nextPhase = ({ crowded }: FunctionRunner): Promise<void> | undefined =>
  crowded ? undefined : new Promise((resolve) => setImmediate(resolve))
