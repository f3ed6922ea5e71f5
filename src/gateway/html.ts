/** Text as it may stand in HTML, in quoted attributes too. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)

/** A page of the host: one document, no scripts, nothing loaded from elsewhere. `body` is HTML. */
export const page = (title: string, body: string, style = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${BASE}${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`

/** For pages that show what guests wrote: should an escape ever be missing, nothing would run all the same. */
export const PAGE_HEADERS = [
  'content-type',
  'text/html; charset=utf-8',
  'content-security-policy',
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
  'cache-control',
  'no-store',
] as const

const BASE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --accent: light-dark(#0a5c8a, #7cc8f2); }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; letter-spacing: -.01em; }
a { color: var(--accent); font-weight: 600; text-underline-offset: .2em; }
a:focus-visible { outline: 2px solid; outline-offset: 3px; border-radius: 2px; }
code { font: .9em ui-monospace, monospace; }
`
