/** JavaScript Promise Integration (phase 4), which lib.dom does not declare yet. */
declare namespace WebAssembly {
  const Suspending: new (fn: (...args: never[]) => unknown) => ImportValue & object
  function promising<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => Promise<R>
  class SuspendError extends Error {}
}
