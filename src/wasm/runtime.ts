/** Instantiates instrumented modules by themselves: for the command line and for tests. The engine has its own way (src/engine). */
export interface RuntimeOptions {
  /** Units before the instance is killed. Default: no limit. */
  readonly fuel?: bigint
  /** Whether a memory or table may grow. Default: always. */
  readonly grant?: (what: 'memory' | 'table', index: number, from: bigint, to: bigint) => boolean
}

/** What instances that belong together share: one fuel counter, one say over growth. */
export interface Host {
  readonly imports: WebAssembly.ModuleImports
  /** Fuel burnt since the start or the last `refill`. */
  readonly used: () => bigint
  readonly refill: (fuel: bigint) => void
}

export interface Runtime extends Host {
  readonly instance: WebAssembly.Instance
}

const UNLIMITED = 2n ** 62n

/** When fuel runs out the guest traps (`unreachable`), and so does every later call until `refill`. */
export function createHost(options: RuntimeOptions = {}): Host {
  const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n)
  const grant = options.grant ?? (() => true)
  let budget = options.fuel ?? UNLIMITED
  fuel.value = budget
  return {
    imports: {
      fuel,
      refuel: () => -1n,
      yield: () => -1n,
      'grow-memory': (index: number, from: bigint, to: bigint) => Number(grant('memory', index, from, to)),
      'grow-table': (index: number, from: bigint, to: bigint) => Number(grant('table', index, from, to)),
    },
    used: () => budget - fuel.value,
    refill: (next) => {
      budget = next
      fuel.value = next
    },
  }
}

/**
 * Instantiates `module` with `imports` and what instrumented modules import beside them. A memory or table that the caller passes in
 * gets stand-ins for the companions that an instrumented exporter would have.
 */
export function instantiate(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports = {},
  options: RuntimeOptions | { readonly host: Host } = {},
): Runtime {
  const host = 'host' in options ? options.host : createHost(options)
  const all: WebAssembly.Imports = { ...imports, ampoule: host.imports }
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const [, companion, original] = /^ampoule:(pages|grow|touch):(.*)$/s.exec(name) ?? []
    const given = all[from]
    if (companion === undefined || original === undefined || given === undefined || given[name] !== undefined) continue
    all[from] = { ...given, [name]: standIn(companion, given[original]) }
  }
  return { ...host, instance: new WebAssembly.Instance(module, all) }
}

const PAGE = 65_536

function standIn(companion: string, original: WebAssembly.ImportValue | undefined): WebAssembly.ImportValue {
  if (original instanceof WebAssembly.Table) {
    return companion === 'touch' ? () => undefined : (initial: unknown, delta: number) => growTable(original, initial, delta)
  }
  if (!(original instanceof WebAssembly.Memory))
    throw new TypeError('a companion was asked for something that is no memory or table')
  if (companion === 'grow') return (delta: number) => growMemory(original, delta)
  return new WebAssembly.Global({ value: 'i32', mutable: true }, original.buffer.byteLength / PAGE)
}

function growMemory(memory: WebAssembly.Memory, delta: number): number {
  try {
    return memory.grow(delta >>> 0)
  } catch {
    return -1
  }
}

function growTable(table: WebAssembly.Table, initial: unknown, delta: number): number {
  try {
    return table.grow(delta >>> 0, initial)
  } catch {
    return -1
  }
}
