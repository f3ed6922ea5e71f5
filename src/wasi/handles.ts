import type { Account } from './account.ts'
import type { Describer, SavedResource } from './state.ts'
import { trap } from './trap.ts'

/** A resource type; `T` is the class of its resources. One object per type, compared by identity. */
export class Kind<T extends Resource> {
  readonly name: string
  /** Never set: carries the type. */
  declare readonly resource: T

  constructor(name: string) {
    this.name = name
  }
}

/** What a handle stands for. */
export abstract class Resource {
  abstract readonly kind: Kind<Resource>
  parent: Resource | undefined = undefined
  /** Live handles that must be dropped before this one. */
  children = 0
  /** Counts changes since the resource was made from a saved state; a restore rebuilds what is not at 0. */
  changes = 0

  /** The handle is gone: gives back what it held. */
  close(): void {
    // most resources hold nothing
  }

  /** Throws when the resource cannot be part of a snapshot. */
  abstract describe(describer: Describer): SavedResource
}

/** Bytes charged per handle: what an entry and the largest of its objects take, rounded up. */
const HANDLE_BYTES = 512
/** Handles at once; wasmtime's resource table stops at the same order of magnitude. */
const MAX_HANDLES = 1_000_000

/** A table as it goes back at a restore. */
export interface TableBase {
  readonly entries: readonly (Resource | undefined)[]
  readonly children: readonly number[]
  readonly free: readonly number[]
}

/** The one handle table of an instance: numbers never collide across types, and every use checks the type. */
export class HandleTable {
  /** Index 0 stays empty: 0 is no handle in the canonical ABI. */
  #entries: (Resource | undefined)[] = [undefined]
  readonly #free: number[] = []
  readonly #account: Account

  constructor(account: Account) {
    this.#account = account
  }

  get entries(): readonly (Resource | undefined)[] {
    return this.#entries
  }

  get free(): readonly number[] {
    return this.#free
  }

  add(resource: Resource, parent?: Resource): number {
    if (this.#entries.length - this.#free.length > MAX_HANDLES) trap(`more than ${MAX_HANDLES} handles`)
    this.#account.hold(HANDLE_BYTES, 'a handle')
    if (parent !== undefined) {
      resource.parent = parent
      parent.children++
    }
    const handle = this.#free.pop() ?? this.#entries.length
    this.#entries[handle] = resource
    return handle
  }

  get<T extends Resource>(handle: number, kind: Kind<T>): T {
    const resource = this.#entries[handle >>> 0]
    if (resource === undefined || resource.kind !== kind) return wrongHandle(handle, kind, resource)
    // the kind says which class it is
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return resource as T
  }

  /** Takes the resource out of the table; the caller owns it from now on. */
  take<T extends Resource>(handle: number, kind: Kind<T>): T {
    const resource = this.get(handle, kind)
    if (resource.children > 0)
      trap(`${kind.name} ${handle >>> 0} is given away while ${resource.children} of its children are alive`)
    if (resource.parent !== undefined) resource.parent.children--
    resource.changes++
    this.#entries[handle >>> 0] = undefined
    this.#free.push(handle >>> 0)
    this.#account.release(HANDLE_BYTES)
    return resource
  }

  drop(handle: number, kind: Kind<Resource>): void {
    this.take(handle, kind).close()
  }

  /** Replaces everything; the account is the caller's matter. */
  reset(entries: (Resource | undefined)[], free: readonly number[]): void {
    this.closeFrom(1)
    this.#entries = entries
    this.#copyFree(free)
  }

  /** The present state as the one to rewind to. */
  mark(): TableBase {
    return {
      entries: this.#entries.slice(),
      children: this.#entries.map((resource) => resource?.children ?? 0),
      free: this.#free.slice(),
    }
  }

  /** Back to `base`; false (with everything closed beyond it) when one of its own resources was changed or dropped. */
  rewind(base: TableBase): boolean {
    const length = base.entries.length
    this.closeFrom(length)
    this.#entries.length = length
    for (let index = 1; index < length; index++) {
      const resource = this.#entries[index]
      if (resource !== base.entries[index]) return false
      if (resource === undefined) continue
      if (resource.changes !== 0) return false
      resource.children = base.children[index] ?? 0
    }
    this.#copyFree(base.free)
    return true
  }

  closeFrom(start: number): void {
    for (let index = start; index < this.#entries.length; index++) this.#entries[index]?.close()
  }

  #copyFree(free: readonly number[]): void {
    this.#free.length = free.length
    for (let index = 0; index < free.length; index++) this.#free[index] = free[index] ?? 0
  }
}

function wrongHandle(handle: number, kind: Kind<Resource>, found: Resource | undefined): never {
  const actual = found === undefined ? 'no live handle' : `a ${found.kind.name}`
  return trap(`handle ${handle >>> 0} is ${actual}, not a ${kind.name}`)
}
