/** Instantiates instrumented modules by themselves: for the command line and for tests. The engine has its own way (src/engine). */
export interface RuntimeOptions {
  /** Units before the instance is killed. Default: no limit. */
  readonly fuel?: bigint
  /** Whether a memory or table may grow. Default: always. */
  readonly grant?: (what: 'memory' | 'table', index: number, from: bigint, to: bigint) => boolean
}

/** What instances that belong together share: one budget of fuel, one say over growth. */
export interface Host {
  /** For one more instance. */
  readonly counter: () => Counter
  /** Fuel burnt since the start or the last `refill`. */
  readonly used: () => bigint
  readonly refill: (fuel: bigint) => void
}

/** One instance's part in the budget. */
export interface Counter {
  readonly imports: WebAssembly.ModuleImports
  /** Finds the instance's own counter among its exports. */
  readonly attach: (exports: WebAssembly.Exports) => void
}

export interface Runtime extends Host {
  readonly instance: WebAssembly.Instance
}

const UNLIMITED = 2n ** 62n

interface Lent {
  granted: bigint
  global: WebAssembly.Global<'i64'> | undefined
}

/**
 * When fuel runs out the guest traps (`unreachable`), and so does every later call until `refill`. Whoever asks is lent all that is
 * left; what others hold of it they get to keep only until then.
 */
export function createHost(options: RuntimeOptions = {}): Host {
  const grant = options.grant ?? (() => true)
  let budget = options.fuel ?? UNLIMITED
  let spent = 0n
  const attached: Lent[] = []
  const takeBack = (): void => {
    for (const counter of attached) {
      spent += counter.granted - counter.global!.value
      counter.granted = 0n
      counter.global!.value = 0n
    }
  }
  const refuel = (counter: Lent, left: bigint): bigint => {
    // The counter itself may not hold yet what its code has in a local.
    if (counter.global !== undefined) counter.global.value = left
    else {
      spent += counter.granted - left
      counter.granted = 0n
    }
    takeBack()
    if (spent > budget) {
      // Code that is killed leaves its counter at what was left.
      counter.granted = left
      return -1n
    }
    counter.granted = budget > spent ? budget - spent : 1n
    return counter.granted
  }
  const counter = (): Counter => {
    const own: Lent = { granted: 0n, global: undefined }
    return {
      imports: {
        refuel: (left: bigint) => refuel(own, left),
        yield: () => -1n,
        'grow-memory': (index: number, from: bigint, to: bigint) => Number(grant('memory', index, from, to)),
        'grow-table': (index: number, from: bigint, to: bigint) => Number(grant('table', index, from, to)),
      },
      attach: (exports) => {
        own.global = exports['ampoule:fuel'] as WebAssembly.Global<'i64'> | undefined
        if (own.global !== undefined) attached.push(own)
      },
    }
  }
  return {
    counter,
    used: () => attached.reduce((used, { granted, global }) => used + granted - global!.value, spent),
    refill: (next) => {
      takeBack()
      budget = next
      spent = 0n
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
  const counter = host.counter()
  const all: WebAssembly.Imports = { ...imports, ampoule: counter.imports }
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const [, companion, original] = /^ampoule:(pages|grow|touch):(.*)$/s.exec(name) ?? []
    const given = all[from]
    if (companion === undefined || original === undefined || given === undefined || given[name] !== undefined) continue
    all[from] = { ...given, [name]: standIn(companion, given[original]) }
  }
  const instance = new WebAssembly.Instance(module, all)
  counter.attach(instance.exports)
  return { ...host, instance }
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
