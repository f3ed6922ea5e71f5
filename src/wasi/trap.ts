/** Ends the guest: it broke a rule of the canonical ABI or of an interface (component model, "trap"). */
export function trap(message: string): never {
  throw new WebAssembly.RuntimeError(message)
}
