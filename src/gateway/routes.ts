import type { Route } from '../functions/route.ts'
import type { HostedFunction, HostedFunctions } from '../invoke/invoke.ts'
import type { HttpTarget } from '../triggers/http.ts'

export type Match = HttpTarget

interface Entry {
  readonly target: HostedFunction
  readonly strip: boolean
}

/** The routes of one host, or of requests to any host. */
interface Table {
  readonly exact: Map<string, Entry>
  /** By prefix without the final slash; '' is `/*`. */
  readonly prefixes: Map<string, Entry>
  /** Segments of the longest prefix: more of a path need not be looked at. */
  depth: number
}

/**
 * Finds the function of a request. Every function has the route `/<name>/*`, which takes the name off the path; routes of the
 * configuration leave the path as it is. The more specific route wins: the exact host before `*.host` (the longer first) before any host, the
 * exact path before the longer prefix before the shorter; a route of the configuration before a name that is equal to it.
 */
export class Routes {
  readonly #any: Table = table()
  readonly #hosts = new Map<string, Table>()
  /** `.example.com` for `*.example.com`. */
  readonly #wildcards = new Map<string, Table>()

  constructor(functions: HostedFunctions) {
    for (const [name, target] of functions) add(this.#any, `/${name}/*`, { target, strip: true })
    for (const target of functions.values()) for (const route of target.settings.routes) this.#add(route, target)
  }

  /** Whether the host counts at all; if not, it need not be read. */
  get useHosts(): boolean {
    return this.#hosts.size > 0 || this.#wildcards.size > 0
  }

  /** `url` is the request target as it came: `/path?query`, or an absolute URL, whose host then counts. */
  match(url: string, hostHeader: string | undefined): Match | undefined {
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

  #add(route: Route, target: HostedFunction): void {
    const { host } = route
    let into = this.#any
    if (host !== undefined) {
      const tables = host.startsWith('*.') ? this.#wildcards : this.#hosts
      const key = host.startsWith('*.') ? host.slice(1) : host
      into = tables.get(key) ?? table()
      tables.set(key, into)
    }
    add(into, route.path, { target, strip: false })
  }

  #tablesFor(hostHeader: string | undefined): readonly Table[] {
    if (hostHeader === undefined || !this.useHosts) return [this.#any]
    const host = hostHeader.replace(/:\d*$/, '').toLowerCase()
    const tables: Table[] = []
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

const table = (): Table => ({ exact: new Map(), prefixes: new Map(), depth: 0 })

function add(into: Table, path: string, entry: Entry): void {
  if (!path.endsWith('/*')) {
    into.exact.set(path, entry)
    return
  }
  const prefix = path.slice(0, -2)
  into.prefixes.set(prefix, entry)
  into.depth = Math.max(into.depth, prefix.split('/').length - 1)
}

function lookUp(table: Table, path: string): { readonly entry: Entry; readonly prefix: string } | undefined {
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
