import { formatExcerpt } from '../observe/excerpt.ts'
import type { ReportedError } from '../observe/records.ts'
import { isOfPackage } from '../observe/source-map.ts'
import type { StackFrame } from '../observe/stack.ts'
import { escapeHtml, page } from './html.ts'

/** What the page shows. Every text may come from a guest. */
export interface ErrorPageContent {
  readonly code: string
  readonly status: number
  readonly requestId: string
  /** The request: `GET /path`. */
  readonly about: string | undefined
  readonly error: ReportedError
}

/** What an author sees in the browser in development. */
export function errorPage({ code, status, requestId, about, error }: ErrorPageContent): string {
  const { name, message, frames = [], stack, excerpt } = error
  const place = frames.find(({ file }) => !isOfPackage(file))
  const code_ =
    excerpt === undefined
      ? ''
      : `<section aria-label="Where">
${place === undefined ? '' : `<p class="place"><code>${escapeHtml(placeOf(place))}</code></p>`}
<pre class="code">${formatExcerpt(excerpt).map(codeLine).join('\n')}</pre></section>`
  const way =
    frames.length > 1 || frames[0]?.function
      ? `<ol class="stack">${collapse(frames).map(frameItem).join('')}</ol>`
      : stack === '' || frames.length > 0
        ? ''
        : `<pre class="stack">${escapeHtml(stack)}</pre>`
  return page(
    `${name}: ${message}`.slice(0, 200),
    `<p class="kind">${[...(code === name ? [] : [escapeHtml(code)]), ...(about === undefined ? [] : [`<code>${escapeHtml(about)}</code>`])].join(' · ')}</p>
<h1><span class="name">${escapeHtml(name)}</span>${message === '' ? '' : ` <span class="message">${escapeHtml(message)}</span>`}</h1>
${code_}
${way === '' ? '' : `<section aria-label="Stack"><h2>Stack</h2>${way}</section>`}
<footer><p>Answered with ${status}, request <code>${escapeHtml(requestId)}</code>. This page is for development: outside of it a caller gets the code and the request's id only.</p></footer>`,
    STYLE,
  )
}

const placeOf = ({ file, line, column }: StackFrame): string => `${file}:${line}:${column}`

const codeLine = (line: string): string => {
  const kind = line.startsWith('>') ? 'meant' : /^ *\| *\^$/.test(line) ? 'caret' : ''
  return kind === '' ? escapeHtml(line) : `<span class="${kind}">${escapeHtml(line)}</span>`
}

interface Repeated {
  readonly frame: StackFrame
  times: number
}

function collapse(frames: readonly StackFrame[]): readonly Repeated[] {
  const list: Repeated[] = []
  for (const frame of frames) {
    const last = list.at(-1)
    if (last !== undefined && last.frame.function === frame.function && placeOf(last.frame) === placeOf(frame)) last.times++
    else list.push({ frame, times: 1 })
  }
  return list
}

const frameItem = ({ frame, times }: Repeated): string =>
  `<li${isOfPackage(frame.file) ? ' class="package"' : ''}><span class="function">${escapeHtml(frame.function || '(anonymous)')}</span> <code>${escapeHtml(placeOf(frame))}</code>${times === 1 ? '' : ` <span class="times">${times} times</span>`}</li>`

const STYLE = `
main { max-width: 64rem; }
:root { --bad: light-dark(#a11a2b, #ff8a94); --back: light-dark(#f6f6f7, #1d1f23); }
.kind { margin: 0 0 .5rem; font-size: .9rem; opacity: .8; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; overflow-wrap: anywhere; white-space: pre-wrap; }
.name { color: var(--bad); }
.message { font-weight: 500; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
.place { margin: 1.5rem 0 .4rem; }
pre { font: .875rem/1.55 ui-monospace, monospace; overflow-x: auto; margin: 0; }
.code { background: var(--back); border-left: 3px solid var(--bad); padding: .75rem 1rem; border-radius: 0 6px 6px 0; }
.meant { font-weight: 700; }
.caret { color: var(--bad); font-weight: 700; }
ol.stack { list-style: none; margin: 0; padding: 0; }
ol.stack li { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: .35rem 0; border-bottom: 1px solid var(--line); }
ol.stack .function { font-weight: 600; min-width: 9rem; overflow-wrap: anywhere; }
ol.stack .package { opacity: .7; }
.times { opacity: .75; }
footer { margin-top: 2rem; font-size: .875rem; opacity: .8; }
`
