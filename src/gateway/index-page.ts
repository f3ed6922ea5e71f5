import { formatRoute } from '../functions/route.ts'
import type { HostedFunctions } from '../invoke/invoke.ts'

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

/** The index of a host in development. One document, no scripts, nothing loaded from elsewhere. */
export function indexPage(functions: readonly ListedFunction[]): string {
  const rows = functions.map(
    ({ name, path, routes, memoryMb, timeoutMs }) => `<tr><th scope="row"><a href="${escape(path)}">${escape(name)}</a></th>
<td>${routes.map((route) => `<code>${escape(route)}</code>`).join(' ') || '<span class="none">none</span>'}</td>
<td>${memoryMb} MiB</td><td>${timeoutMs / 1000} s</td></tr>`,
  )
  const table = `<table><caption>${functions.length} ${functions.length === 1 ? 'function' : 'functions'}</caption>
<thead><tr><th scope="col">Function</th><th scope="col">Further routes</th><th scope="col">Memory</th><th scope="col">Timeout</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ampoule</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Ampoule</h1>
<p>This host is in development mode. Every request to a function runs in an instance of its own.</p>
${functions.length === 0 ? '<p>There are no functions yet: add one to <code>ampoule.jsonc</code>.</p>' : table}
</main>
</body>
</html>
`
}

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --accent: light-dark(#0a5c8a, #7cc8f2); }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; letter-spacing: -.01em; }
table { width: 100%; border-collapse: collapse; margin-top: 1.5rem; }
caption { text-align: left; padding: .5rem 0; opacity: .75; }
th, td { text-align: left; padding: .6rem .75rem .6rem 0; border-bottom: 1px solid var(--line); font-weight: 400; vertical-align: top; }
thead th { font-size: .875rem; opacity: .75; }
a { color: var(--accent); font-weight: 600; text-underline-offset: .2em; }
a:focus-visible { outline: 2px solid; outline-offset: 3px; border-radius: 2px; }
code { font: .9em ui-monospace, monospace; }
.none { opacity: .75; }
`

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)
