/** A workload in one of its variants. `run` gives what must be the same in all variants. */
export interface Variant {
  readonly run: () => number | string | Promise<number | string>
  /** Units of fuel that the last `run` used. */
  readonly fuel?: () => number
}

export interface Workload {
  readonly name: string
  readonly plain: Variant
  readonly instrumented: Variant
  /** The plain one once more, from other bytes: how far two equal things differ on this machine. */
  readonly again?: Variant
}

/** With an empty custom section at its end: the same code, but not the module that V8 has in its cache. */
export const copyOf = (module: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.concat([module, Buffer.from([0, 2, 1, 0x23])]))
