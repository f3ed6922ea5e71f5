import { formatRoute } from '../functions/route.ts'
import type { HostedFunctions } from '../invoke/invoke.ts'
import { escapeHtml, page } from './html.ts'

export interface ListedFunction {
  readonly name: string
  /** Where it answers on any host. */
  readonly path: string
  /** Further routes, as in the configuration. */
  readonly routes: readonly string[]
  readonly memoryMb: number
  readonly timeoutMs: number
}

export const listFunctions = (functions: HostedFunctions): readonly ListedFunction[] =>
  [...functions.values()]
    .map(({ settings }) => ({
      name: settings.name,
      path: `/${settings.name}/`,
      routes: settings.routes.map(formatRoute),
      memoryMb: settings.memoryMb,
      timeoutMs: settings.timeoutMs,
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name))

/** The index of a host in development. */
export function indexPage(functions: readonly ListedFunction[]): string {
  const rows = functions.map(
    ({
      name,
      path,
      routes,
      memoryMb,
      timeoutMs,
    }) => `<tr><th scope="row"><a href="${escapeHtml(path)}">${escapeHtml(name)}</a></th>
<td>${routes.map((route) => `<code>${escapeHtml(route)}</code>`).join(' ') || '<span class="none">none</span>'}</td>
<td>${memoryMb} MiB</td><td>${timeoutMs / 1000} s</td></tr>`,
  )
  const table = `<table><caption>${functions.length} ${functions.length === 1 ? 'function' : 'functions'}</caption>
<thead><tr><th scope="col">Function</th><th scope="col">Further routes</th><th scope="col">Memory</th><th scope="col">Timeout</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`
  return page(
    'Ampoule',
    `<h1>Ampoule</h1>
<p>This host is in development mode. Every request to a function runs in an instance of its own.</p>
${functions.length === 0 ? '<p>There are no functions yet: add one to <code>ampoule.jsonc</code>.</p>' : table}`,
    STYLE,
  )
}

const STYLE = `
table { width: 100%; border-collapse: collapse; margin-top: 1.5rem; }
caption { text-align: left; padding: .5rem 0; opacity: .75; }
th, td { text-align: left; padding: .6rem .75rem .6rem 0; border-bottom: 1px solid var(--line); font-weight: 400; vertical-align: top; }
thead th { font-size: .875rem; opacity: .75; }
.none { opacity: .75; }
`
