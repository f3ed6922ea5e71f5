import { describeImport } from './entities.ts'
import { liftedShape, loweredShape } from './flatten.ts'
import type { FunctionShape } from './flatten.ts'
import type { CanonOptions, Definition } from './ast.ts'
import type { CoreRef, HostImport } from './contract.ts'
import type { CoreEntity, Fail, LiftedFunction, Scope } from './entities.ts'
import type { PlanBuilder } from './plan-builder.ts'

interface Options {
  readonly memory: CoreRef | undefined
  readonly realloc: CoreRef | undefined
  readonly postReturn: CoreRef | undefined
}

/** The canonical definitions: where component functions meet core functions. */
export class CanonEvaluator {
  readonly #plan: PlanBuilder

  constructor(plan: PlanBuilder) {
    this.#plan = plan
  }

  lift(scope: Scope, definition: Definition & { kind: 'lift' }, fail: Fail): LiftedFunction {
    const type = scope.types[definition.type]
    if (type?.kind !== 'func') return fail(`canon lift: type ${definition.type} is not a function type`)
    const core = scope.core.func[definition.func] ?? fail(`canon lift: there is no core func ${definition.func}`)
    const func = coreRef(core, 'canon lift: the lifted function', fail)
    const shape = liftedShape(type)
    const options = this.#options(scope, definition.options, 'canon lift', fail)
    const isAsync = type.async || definition.options.unsupported.length > 0
    const refused = isAsync
      ? `it is lifted with ${definition.options.unsupported.join(', ') || 'an async type'}, which is not supported`
      : definition.options.encoding === 'utf8'
        ? undefined
        : `it is lifted with string encoding ${definition.options.encoding}; only utf8 is supported`
    if (refused === undefined) {
      if (core.signature !== shape.signature) {
        fail(
          `canon lift: the core function ${JSON.stringify(func.name)} is ${core.signature ?? 'of an unknown type'}, its type wants ${shape.signature}`,
        )
      }
      checkShape(shape, options, 'canon lift', fail)
      this.#checkPostReturn(scope, definition.options, shape, fail)
    }
    return { kind: 'lifted', type, func, ...options, refused }
  }

  lower(scope: Scope, definition: Definition & { kind: 'lower' }, fail: Fail): CoreEntity {
    const func = scope.funcs[definition.func] ?? fail(`canon lower: there is no func ${definition.func}`)
    const shape = loweredShape(func.type)
    if (func.kind === 'lifted') return this.#componentCall(func, shape, fail)
    const options = this.#options(scope, definition.options, 'canon lower', fail)
    const item: HostImport = {
      kind: 'lower',
      interface: func.interface,
      version: func.version,
      name: func.name,
      memory: options.memory,
      realloc: options.realloc,
      signature: shape.signature,
    }
    const what = `canon lower of ${describeImport(item)}`
    if (func.type.async || definition.options.unsupported.length > 0) fail(`${what}: async calls are not supported`)
    if (definition.options.encoding !== 'utf8') {
      fail(`${what}: string encoding ${definition.options.encoding} is not supported, only utf8`)
    }
    checkShape(shape, options, what, fail)
    return { kind: 'func', item: { kind: 'host', import: item }, signature: shape.signature, memory64: false }
  }

  resourceDrop(scope: Scope, index: number, fail: Fail): CoreEntity {
    const type = scope.types[index]
    if (type?.kind !== 'resource') return fail(`resource.drop: type ${index} is not a resource`)
    if (type.resource === undefined) return fail('resource.drop: resources that the component defines itself are not supported')
    const { interface: from, version, name } = type.resource
    const item: HostImport = { kind: 'resource.drop', interface: from, version, resource: name }
    return { kind: 'func', item: { kind: 'host', import: item }, signature: 'i->', memory64: false }
  }

  /**
   * A call from one component into another would need an adapter that copies between their memories. Only what can do nothing but
   * trap needs none: toolchains plug imports that nobody calls at run time with such functions (QuickJS' module loader).
   */
  #componentCall(callee: LiftedFunction, shape: FunctionShape, fail: Fail): CoreEntity {
    if (!this.#plan.alwaysTraps(callee.func)) {
      fail(
        `the component calls from one of its inner components into another (${JSON.stringify(callee.func.name)}), which is not supported`,
      )
    }
    return { kind: 'func', item: this.#plan.trap(shape.signature, fail), signature: shape.signature, memory64: false }
  }

  #options(scope: Scope, options: CanonOptions, what: string, fail: Fail): Options {
    const pick = (kind: 'memory' | 'func', index: number | undefined, option: string): CoreEntity | undefined =>
      index === undefined
        ? undefined
        : (scope.core[kind][index] ?? fail(`${what}: there is no core ${kind} ${index} (${option})`))
    const memory = pick('memory', options.memory, 'memory')
    if (memory?.memory64 === true) fail(`${what}: memories with 64-bit addresses are not supported here`)
    const realloc = pick('func', options.realloc, 'realloc')
    if (realloc !== undefined && realloc.signature !== 'iiii->i')
      fail(`${what}: realloc is ${realloc.signature ?? 'unknown'}, not iiii->i`)
    const postReturn = pick('func', options.postReturn, 'post-return')
    const ref = (entity: CoreEntity | undefined, option: string): CoreRef | undefined =>
      entity === undefined ? undefined : coreRef(entity, `${what}: ${option}`, fail)
    return { memory: ref(memory, 'memory'), realloc: ref(realloc, 'realloc'), postReturn: ref(postReturn, 'post-return') }
  }

  #checkPostReturn(scope: Scope, options: CanonOptions, shape: FunctionShape, fail: Fail): void {
    if (options.postReturn === undefined) return
    const signature = scope.core.func[options.postReturn]?.signature
    const wanted = `${shape.signature.split('->')[1] ?? ''}->`
    if (signature !== wanted) fail(`canon lift: post-return is ${signature ?? 'unknown'}, not ${wanted}`)
  }
}

function checkShape(shape: FunctionShape, options: Options, what: string, fail: Fail): void {
  if (shape.memory && options.memory === undefined) fail(`${what}: it passes values in memory, but has no option memory`)
  if (shape.realloc && options.realloc === undefined) fail(`${what}: it receives strings or lists, but has no option realloc`)
}

function coreRef(entity: CoreEntity, what: string, fail: Fail): CoreRef {
  return entity.item.kind === 'core' ? entity.item.ref : fail(`${what} is a function of the host, which is not supported`)
}
