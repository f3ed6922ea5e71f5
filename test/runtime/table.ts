import type { JavaScriptEngine } from '../../src/build/contract.ts'
import type { Results } from './guest.ts'

const TITLES: Readonly<Record<string, string>> = {
  web: 'Web interfaces',
  streams: 'Streams',
  crypto: 'Cryptography',
  node: 'Modules of Node.js',
  language: 'Language',
}

const BEGIN = '<!-- support table: written by test/runtime/runtime.test.ts -->'
const END = '<!-- end of the support table -->'

/** The tables of docs/runtime.md, as the checks came out. */
export function supportTables(results: Readonly<Record<JavaScriptEngine, Results>>): string {
  const { quickjs, starlingmonkey } = results
  const tables = Object.entries(quickjs).map(([group, outcomes]) => {
    const rows = Object.keys(outcomes).map(
      (name) => `| ${name} | ${mark(quickjs[group]?.[name])} | ${mark(starlingmonkey[group]?.[name])} |`,
    )
    return `### ${TITLES[group] ?? group}\n\n| | QuickJS | StarlingMonkey |\n| --- | :-: | :-: |\n${rows.join('\n')}\n`
  })
  return tables.join('\n')
}

const mark = (outcome: string | undefined): string => (outcome === 'ok' ? 'yes' : '–')

const between = (document: string): { readonly from: number; readonly to: number } => {
  const from = document.indexOf(BEGIN)
  const to = document.indexOf(END)
  if (from < 0 || to < from) throw new Error('docs/runtime.md has lost the marks around its support table')
  return { from: from + BEGIN.length, to }
}

export function readTables(document: string): string {
  const { from, to } = between(document)
  return document.slice(from, to).trim()
}

export function replaceTables(document: string, tables: string): string {
  const { from, to } = between(document)
  return `${document.slice(0, from)}\n\n${tables.trim()}\n\n${document.slice(to)}`
}

/** Cells without the padding that a formatter gives them. */
export const normalized = (tables: string): string =>
  tables
    .trim()
    .replace(/ +\|/g, ' |')
    .replace(/\| +/g, '| ')
    .replace(/:?-+:?(?= \|)/g, '-')
