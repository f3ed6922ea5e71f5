/**
 * Resolves when this turn of the event loop has read what its sockets had for it. Guests start, and answers go out, behind it: a lane
 * under load then reads requests, runs guests and writes answers by the dozen, each with its code and data in the processor's caches,
 * where taking turns would evict them with every request (`npm run bench http`). A lane that has nothing else to do loses microseconds.
 */
export const nextPhase = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
