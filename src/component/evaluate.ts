import { AmpouleError } from '../errors.ts'
import { CanonEvaluator } from './canon.ts'
import { define, lookUp, newScope } from './entities.ts'
import { importEntity } from './imports.ts'
import { quote } from './reader.ts'
import { resolveType, typeSize } from './resolve-type.ts'
import { PlanBuilder } from './plan-builder.ts'
import type { AliasTarget, AnySort, Definition, ExternDesc, NamedIndex, ParsedComponent } from './ast.ts'
import type { ComponentValue, CoreEntity, Entity, Fail, Scope } from './entities.ts'
import type { CoreInstance } from './contract.ts'

/** Components that wit-component and composition tools make take some ten thousand steps; hostile ones could double at every level. */
const MAX_STEPS = 1_000_000
/** Instantiations inside instantiations; each takes a stack frame. */
const MAX_DEPTH = 64

export interface Evaluated {
  readonly instances: readonly CoreInstance[]
  /** The core modules that the plan instantiates; `CoreInstance.module` is an index into this list. */
  readonly modules: readonly Uint8Array<ArrayBuffer>[]
  readonly imports: readonly string[]
  readonly exports: ReadonlyMap<string, Entity>
}

/**
 * Runs the component's definitions in order with stand-ins for everything imported, nested components included, and writes down
 * which core instances that makes. Component functions dissolve: what is left is core instances, and canonical host functions.
 */
export function evaluate(parsed: ParsedComponent): Evaluated {
  return new Evaluation(parsed).run()
}

class Evaluation {
  readonly #parsed: ParsedComponent
  readonly #plan: PlanBuilder
  readonly #canon: CanonEvaluator
  #steps = 0

  constructor(parsed: ParsedComponent) {
    this.#parsed = parsed
    this.#plan = new PlanBuilder(parsed.modules.map(({ bytes }) => bytes))
    this.#canon = new CanonEvaluator(this.#plan)
  }

  run(): Evaluated {
    const imports: string[] = []
    const exports = this.#component({ node: this.#parsed.root, parent: undefined }, undefined, imports, 0)
    return { instances: this.#plan.instances, modules: this.#plan.modules, imports, exports }
  }

  step(fail: Fail, count = 1): void {
    this.#steps += count
    if (this.#steps > MAX_STEPS) fail(`the component takes more than ${MAX_STEPS} steps to evaluate`)
  }

  /** `args` is undefined for the outermost component, whose imports the host satisfies. */
  #component(
    component: ComponentValue,
    args: ReadonlyMap<string, Entity> | undefined,
    imports: string[],
    depth: number,
  ): Map<string, Entity> {
    const exports = new Map<string, Entity>()
    const scope = newScope(component.parent)
    for (const definition of component.node.definitions) {
      const fail = failure(definition)
      this.step(fail)
      if (depth > MAX_DEPTH) fail(`instantiations are nested more than ${MAX_DEPTH} deep`)
      switch (definition.kind) {
        case 'import':
          if (args === undefined) imports.push(definition.name)
          define(
            scope,
            args === undefined
              ? importEntity(definition.name, definition.desc, scope, this, fail)
              : argument(args, definition.name, definition.desc, fail),
          )
          break
        case 'export': {
          const entity = lookUp(scope, definition.item.sort, definition.item.index, fail)
          if (exports.has(definition.name)) fail(`${quote(definition.name)} is exported twice`)
          exports.set(definition.name, entity)
          define(scope, entity)
          break
        }
        case 'instance': {
          const target = lookUp(scope, 'component', definition.component, fail)
          if (target.sort !== 'component') return fail('not a component')
          scope.instances.push(this.#component(target.component, this.#named(scope, definition.args, fail), imports, depth + 1))
          break
        }
        case 'instance exports':
          scope.instances.push(this.#named(scope, definition.items, fail))
          break
        case 'component':
          scope.components.push({ node: definition.component, parent: scope })
          break
        case 'type':
          this.step(fail, typeSize(definition.type))
          scope.types.push(resolveType(definition.type, scope, fail))
          break
        case 'alias':
          this.#alias(scope, definition.sort, definition.target, fail)
          break
        case 'core module':
          scope.coreModules.push(definition.module)
          break
        case 'core instance':
          this.#coreInstance(scope, definition, fail)
          break
        case 'core exports':
          this.#coreExports(scope, definition.items, fail)
          break
        case 'lift':
          scope.funcs.push(this.#canon.lift(scope, definition, fail))
          break
        case 'lower':
          scope.core.func.push(this.#canon.lower(scope, definition, fail))
          break
        case 'resource.drop':
          scope.core.func.push(this.#canon.resourceDrop(scope, definition.type, fail))
          break
        default:
          definition satisfies never
      }
    }
    return exports
  }

  #named(scope: Scope, items: readonly NamedIndex[], fail: Fail): Map<string, Entity> {
    const result = new Map<string, Entity>()
    for (const { name, item } of items) {
      this.step(fail)
      result.set(name, lookUp(scope, item.sort, item.index, fail))
    }
    return result
  }

  #alias(scope: Scope, sort: AnySort, target: AliasTarget, fail: Fail): void {
    switch (target.kind) {
      case 'export': {
        const instance = scope.instances[target.instance] ?? fail(`there is no instance ${target.instance}`)
        const entity = instance.get(target.name) ?? fail(`instance ${target.instance} has no export ${quote(target.name)}`)
        if (entity.sort !== sort) fail(`the export ${quote(target.name)} is a ${entity.sort}, not a ${sort}`)
        define(scope, entity)
        return
      }
      case 'core export': {
        const entity = this.#plan.coreExport(scope, target.instance, target.name, fail)
        if (sort !== `core ${entity.kind}`) fail(`the core export ${quote(target.name)} is a ${entity.kind}, not a ${sort}`)
        scope.core[entity.kind].push(entity)
        return
      }
      case 'outer': {
        let outer: Scope | undefined = scope
        for (let depth = target.depth; depth > 0 && outer !== undefined; depth--) outer = outer.parent
        if (outer === undefined) return fail(`an alias points ${target.depth} components out, where there is none`)
        if (sort !== 'type' && sort !== 'component' && sort !== 'core module')
          return fail(`a ${sort} cannot be aliased from outside`)
        define(scope, lookUp(outer, sort, target.index, fail))
        return
      }
      default:
        target satisfies never
    }
  }

  #coreInstance(scope: Scope, definition: Definition & { kind: 'core instance' }, fail: Fail): void {
    const module = scope.coreModules[definition.module] ?? fail(`there is no core module ${definition.module}`)
    const args = new Map<string, number>()
    for (const { name, instance } of definition.args) {
      this.step(fail)
      if (args.has(name)) fail(`the core instance gets ${quote(name)} twice`)
      args.set(name, instance)
    }
    scope.coreInstances.push(this.#plan.instantiate(scope, module, args, this, fail))
  }

  #coreExports(scope: Scope, items: readonly NamedIndex[], fail: Fail): void {
    const grouped = new Map<string, CoreEntity>()
    for (const { name, item } of items) {
      this.step(fail)
      grouped.set(name, this.#plan.coreEntity(scope, item, fail))
    }
    scope.coreInstances.push(this.#plan.group(grouped, fail))
  }
}

function argument(args: ReadonlyMap<string, Entity>, name: string, desc: ExternDesc, fail: Fail): Entity {
  const entity = args.get(name)
  if (entity === undefined) return fail(`a nested component is instantiated without ${quote(name)}, which it imports`)
  if (entity.sort !== desc.kind)
    return fail(`a nested component imports ${quote(name)} as a ${desc.kind}, but gets a ${entity.sort}`)
  return entity
}

function failure(definition: Definition): Fail {
  return (what) => {
    throw new AmpouleError('InvalidComponent', `${what} (${definition.kind} at byte ${definition.at})`)
  }
}
