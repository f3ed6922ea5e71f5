import type { Route } from '../functions/route.ts'
import type { HostedFunction, HostedFunctions } from '../invoke/invoke.ts'
import type { HttpTarget } from '../triggers/http.ts'

export type Match = HttpTarget

/** What a request goes to, by its path; as `HttpTarget`. */
export interface RouteMatch<T> extends Omit<HttpTarget, 'target'> {
  readonly target: T
}

interface Entry<T> {
  readonly target: T
  readonly strip: boolean
}

/** The routes of one host, or of requests to any host. */
interface Table<T> {
  readonly exact: Map<string, Entry<T>>
  /** By prefix without the final slash; '' is `/*`. */
  readonly prefixes: Map<string, Entry<T>>
  /** Segments of the longest prefix: more of a path need not be looked at. */
  depth: number
}

/**
 * Finds what a request goes to. The more specific route wins: the exact host before `*.host` (the longer first) before any host, the exact
 * path before the longer prefix before the shorter; of two that are equal the later one.
 */
export class RouteTable<T> {
  readonly #any: Table<T> = table()
  readonly #hosts = new Map<string, Table<T>>()
  /** `.example.com` for `*.example.com`. */
  readonly #wildcards = new Map<string, Table<T>>()

  /** Whether the host counts at all; if not, it need not be read. */
  get useHosts(): boolean {
    return this.#hosts.size > 0 || this.#wildcards.size > 0
  }

  /** `url` is the request target as it came: `/path?query`, or an absolute URL, whose host then counts. */
  match(url: string, hostHeader: string | undefined): RouteMatch<T> | undefined {
    let target = url
    let host = hostHeader
    if (!url.startsWith('/')) {
      const absolute = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(url)
      if (absolute === null) return undefined
      host = absolute[1]
      target = absolute[2]?.startsWith('/') === true ? absolute[2] : `/${absolute[2] ?? ''}`
    }
    const query = target.indexOf('?')
    const path = query === -1 ? target : target.slice(0, query)
    for (const table of this.#tablesFor(host)) {
      const found = lookUp(table, path)
      if (found === undefined) continue
      const { target: hosted, strip } = found.entry
      if (!strip) return { target: hosted, prefix: '', pathWithQuery: target }
      const rest = target.slice(found.prefix.length)
      return { target: hosted, prefix: found.prefix, pathWithQuery: rest.startsWith('/') ? rest : `/${rest}` }
    }
    return undefined
  }

  /** `strip`: the function does not see the route's own part of the path. */
  add({ host, path }: Route, target: T, strip = false): void {
    let into = this.#any
    if (host !== undefined) {
      const tables = host.startsWith('*.') ? this.#wildcards : this.#hosts
      const key = host.startsWith('*.') ? host.slice(1) : host
      into = tables.get(key) ?? table()
      tables.set(key, into)
    }
    add(into, path, { target, strip })
  }

  #tablesFor(hostHeader: string | undefined): readonly Table<T>[] {
    if (hostHeader === undefined || !this.useHosts) return [this.#any]
    const host = hostHeader.replace(/:\d*$/, '').toLowerCase()
    const tables: Table<T>[] = []
    const exact = this.#hosts.get(host)
    if (exact !== undefined) tables.push(exact)
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const wildcard = this.#wildcards.get(host.slice(dot))
      if (wildcard !== undefined && dot > 0) tables.push(wildcard)
    }
    tables.push(this.#any)
    return tables
  }
}

/**
 * The functions of the configuration: every one has the route `/<name>/*`, which takes the name off the path, and its own routes, which leave the
 * path as it is and go before a name that is equal to them.
 */
export class Routes extends RouteTable<HostedFunction> {
  constructor(functions: HostedFunctions) {
    super()
    for (const [name, target] of functions) this.add({ host: undefined, path: `/${name}/*` }, target, true)
    for (const target of functions.values()) for (const route of target.settings.routes) this.add(route, target)
  }
}

const table = <T>(): Table<T> => ({ exact: new Map(), prefixes: new Map(), depth: 0 })

function add<T>(into: Table<T>, path: string, entry: Entry<T>): void {
  if (!path.endsWith('/*')) {
    into.exact.set(path, entry)
    return
  }
  const prefix = path.slice(0, -2)
  into.prefixes.set(prefix, entry)
  into.depth = Math.max(into.depth, prefix.split('/').length - 1)
}

function lookUp<T>(table: Table<T>, path: string): { readonly entry: Entry<T>; readonly prefix: string } | undefined {
  const exact = table.exact.get(path)
  if (exact !== undefined) return { entry: exact, prefix: '' }
  // Ends of the first `depth` segments, shortest first.
  const ends = [0]
  for (let segment = 0; segment < table.depth; segment++) {
    const end = path.indexOf('/', (ends.at(-1) ?? 0) + 1)
    ends.push(end === -1 ? path.length : end)
    if (end === -1) break
  }
  for (const end of ends.toReversed()) {
    const prefix = path.slice(0, end)
    const entry = table.prefixes.get(prefix)
    if (entry !== undefined) return { entry, prefix }
  }
  return undefined
}
