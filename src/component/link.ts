import { AmpouleError } from '../errors.ts'
import { quote } from './reader.ts'
import type { CoreItem, CoreRef, HostImport, LinkHooks, LinkPlan, Linked } from './contract.ts'

/** Exports that come with a memory or table wherever it goes (src/wasm/contract.ts): found beside the export they belong to. */
const COMPANION = /^(ampoule:(?:pages|grow|touch):)([^]*)$/

type Source =
  | { readonly kind: 'core'; readonly instance: number; readonly name: string }
  | { readonly kind: 'host'; readonly import: number }
  | { readonly kind: 'ampoule' }

interface Step {
  readonly instance: number
  readonly module: number
  readonly compiled: WebAssembly.Module
  readonly imports: readonly { readonly module: string; readonly name: string; readonly from: Source }[]
}

interface Prepared {
  readonly count: number
  readonly steps: readonly Step[]
  readonly hostImports: readonly HostImport[]
}

/**
 * Works out once which import of which core module is satisfied by what; the returned function makes one instance. Exports of core
 * instances are handed on as they are, with no JavaScript function in between (JSPI cannot suspend through one). Each distinct host
 * import is asked for once per instance. `modules` are the compiled modules of the artifact, in its order.
 *
 * Throws `InvalidComponent` when plan and modules do not fit, then or when an instance is made; what running code throws (a start function
 * that traps) comes out as it is.
 */
export function prepareLink(plan: LinkPlan, modules: readonly WebAssembly.Module[]): (hooks: LinkHooks) => Linked {
  const prepared = prepare(plan, modules)
  return (hooks) => link(prepared, hooks)
}

function prepare(plan: LinkPlan, modules: readonly WebAssembly.Module[]): Prepared {
  const hostImports: HostImport[] = []
  const known = new Map<string, number>()
  const hostIndex = (item: HostImport): number => {
    const key = JSON.stringify(item)
    const index = known.get(key) ?? hostImports.push(item) - 1
    known.set(key, index)
    return index
  }

  const resolve = (instance: number, name: string): Source | undefined => {
    const target = plan.instances[instance]
    if (target === undefined) return undefined
    if (target.kind === 'module') return { kind: 'core', instance, name }
    const item = own(target.items, name)
    if (item !== undefined) return sourceOf(item, hostIndex)
    const companion = COMPANION.exec(name)
    const owner = companion?.[2] === undefined ? undefined : own(target.items, companion[2])
    if (companion === null || owner?.kind !== 'core') return undefined
    return { kind: 'core', instance: owner.ref.instance, name: `${companion[1] ?? ''}${owner.ref.name}` }
  }

  const steps: Step[] = []
  for (const [index, instance] of plan.instances.entries()) {
    if (instance.kind !== 'module') continue
    const compiled = modules[instance.module]
    if (compiled === undefined)
      throw invalid(`core instance ${index} is made from core module ${instance.module}, which is not there`)
    const imports = WebAssembly.Module.imports(compiled).map(({ module, name }) => {
      if (module === 'ampoule') return { module, name, from: { kind: 'ampoule' } as const }
      const arg = own(instance.args, module)
      const from = arg === undefined || arg >= index ? undefined : resolve(arg, name)
      if (from === undefined)
        throw invalid(`nothing satisfies the import ${quote(module)} ${quote(name)} of core module ${instance.module}`)
      return { module, name, from }
    })
    steps.push({ instance: index, module: instance.module, compiled, imports })
  }
  return { count: plan.instances.length, steps, hostImports }
}

function link(prepared: Prepared, hooks: LinkHooks): Linked {
  const instances: (WebAssembly.Exports | undefined)[] = Array.from({ length: prepared.count }, () => undefined)
  const resolve = ({ instance, name }: CoreRef): WebAssembly.ExportValue => {
    const value = instances[instance]?.[name]
    if (value === undefined) throw new AmpouleError('Internal', `core instance ${instance} has no export ${quote(name)} (yet)`)
    return value
  }
  const host: (WebAssembly.ImportValue | undefined)[] = Array.from({ length: prepared.hostImports.length }, () => undefined)
  const hostFunction = (index: number): WebAssembly.ImportValue => {
    const item = prepared.hostImports[index]
    if (item === undefined) throw new AmpouleError('Internal', `there is no host import ${index}`)
    return (host[index] ??= hooks.hostFunction(item, resolve))
  }
  for (const { instance, module, compiled, imports } of prepared.steps) {
    const ampoule = hooks.ampoule(instance, module)
    const values = bare<Record<string, WebAssembly.ImportValue>>()
    for (const { module, name, from } of imports) {
      const group = (values[module] ??= bare())
      if (from.kind === 'core') group[name] = resolve(from)
      else if (from.kind === 'host') group[name] = hostFunction(from.import)
      else {
        const value = own(ampoule, name)
        if (value === undefined) throw new AmpouleError('Internal', `the engine has no import "ampoule" ${quote(name)}`)
        group[name] = value
      }
    }
    const exports = instantiate(compiled, values, module)
    instances[instance] = exports
    hooks.instantiated?.(instance, exports)
    hooks.initialise?.(instance, module, exports, values)
  }
  return { instances, resolve }
}

function instantiate(compiled: WebAssembly.Module, imports: WebAssembly.Imports, module: number): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(compiled, imports).exports
  } catch (error) {
    // Names, kinds and function types were compared when the plan was made; this is about limits, element types or mutability.
    if (!(error instanceof WebAssembly.LinkError)) throw error
    throw new AmpouleError('InvalidComponent', `core module ${module} does not link: ${error.message}`, { cause: error })
  }
}

/** An object whose keys are all its own, whatever names a component chooses. */
function bare<T>(): Record<string, T> {
  return Object.create(null)
}

/** Names come from components: `constructor` must not be found on a prototype. */
function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

function sourceOf(item: CoreItem, hostIndex: (item: HostImport) => number): Source {
  return item.kind === 'core' ? { kind: 'core', ...item.ref } : { kind: 'host', import: hostIndex(item.import) }
}

function invalid(why: string): AmpouleError {
  return new AmpouleError('InvalidComponent', `the link plan does not fit its modules: ${why}`)
}
