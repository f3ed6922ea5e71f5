/** Sets properties as Web IDL (3.7.6) has it for interfaces on the global object: writable, configurable, not enumerable. */
export function define(target: object, values: Readonly<Record<PropertyKey, unknown>>): void {
  for (const name of Reflect.ownKeys(values)) {
    Object.defineProperty(target, name, { value: values[name], writable: true, configurable: true, enumerable: false })
  }
}

/** Names a class as the standards do: `Object.prototype.toString` and inspection show it. */
export function tag(prototype: object, name: string): void {
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true })
}
