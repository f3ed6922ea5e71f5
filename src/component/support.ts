import { AmpouleError } from '../errors.ts'
import { describeImport } from './entities.ts'
import { WASI_SIGNATURES } from './wasi-signatures.ts'
import type { IsSupported } from '../wasi/contract.ts'
import type { HostImport, LinkPlan } from './contract.ts'

/** A hostile component can import a hundred thousand unknown functions; an error message is for reading. */
const MAX_LISTED = 100

/** Every host function that the plan asks for, in order, repeats included. */
export function hostImports(plan: LinkPlan): HostImport[] {
  return plan.instances.flatMap((instance) =>
    instance.kind === 'exports'
      ? Object.values(instance.items).flatMap((item) => (item.kind === 'host' ? [item.import] : []))
      : [],
  )
}

/**
 * Throws `InvalidComponent` with the list of all imports that the host does not have, or that the component declares with another type
 * than WASI gives them: host functions rely on their arguments being the numbers they expect. Types alone need no support.
 */
export function requireSupport(plan: LinkPlan, isSupported: IsSupported): void {
  const missing = new Set<string>()
  const different = new Set<string>()
  for (const item of hostImports(plan)) {
    if (!isSupported(item)) missing.add(describeImport(item))
    else if (item.kind === 'lower') {
      const difference = signatureDifference(item)
      if (difference !== undefined) different.add(`${describeImport(item)} (${difference})`)
    }
  }
  if (missing.size > 0) throw invalid('the component imports what this host does not have', missing)
  if (different.size > 0) throw invalid('the component imports functions with a type that is not theirs', different)
}

function signatureDifference(item: HostImport & { kind: 'lower' }): string | undefined {
  const functions = Object.hasOwn(WASI_SIGNATURES, item.interface) ? WASI_SIGNATURES[item.interface] : undefined
  const wanted = functions !== undefined && Object.hasOwn(functions, item.name) ? functions[item.name] : undefined
  if (wanted === undefined) return undefined
  const [signature = '', options = ''] = wanted.split(' ')
  if (item.signature !== signature) return `${item.signature ?? 'unknown'}, should be ${signature}`
  if (options.includes('m') && item.memory === undefined) return 'it lacks the option memory'
  if (options.includes('r') && item.realloc === undefined) return 'it lacks the option realloc'
  return undefined
}

function invalid(what: string, imports: ReadonlySet<string>): AmpouleError {
  const names = [...imports].sort()
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : ''
  return new AmpouleError('InvalidComponent', `${what}: ${names.slice(0, MAX_LISTED).join(', ')}${more}`)
}
