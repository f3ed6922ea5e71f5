/** A fenced block of a page, and what its info string asks for (CONTRIBUTING.md, "Code in the documentation"). */
export interface Fence {
  readonly language: string
  readonly mark: Mark | undefined
  readonly text: string
  /** Of its first line, from 1. */
  readonly line: number
}

export type Mark =
  | { readonly kind: 'file' | 'save'; readonly path: string }
  | { readonly kind: 'run' | 'log' | 'config' }
  | { readonly kind: 'norun'; readonly reason: string }

/** Languages whose blocks must be marked: what readers copy. */
const MARKED = new Set(['ts', 'tsx', 'js', 'mjs', 'json', 'jsonc', 'console'])

export const needsMark = ({ language }: Fence): boolean => MARKED.has(language)

/** Throws when a block is not closed, or when its info string has something that is not known. */
export function parseFences(page: string): readonly Fence[] {
  const fences: Fence[] = []
  const lines = page.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const open = /^(`{3,})(\S*) *(.*)$/.exec(lines[at] ?? '')
    if (open === null) continue
    const [, ticks = '', language = '', info = ''] = open
    const end = lines.indexOf(ticks, at + 1)
    if (end < 0) throw new Error(`line ${at + 1}: the block is not closed`)
    fences.push({ language, mark: parseMark(info, at + 1), text: `${lines.slice(at + 1, end).join('\n')}\n`, line: at + 2 })
    at = end
  }
  return fences
}

function parseMark(info: string, line: number): Mark | undefined {
  if (info === '') return undefined
  if (info === 'run' || info === 'log' || info === 'config') return { kind: info }
  const [, kind, path] = /^(file|save)=([\w./-]+)$/.exec(info) ?? []
  if ((kind === 'file' || kind === 'save') && path !== undefined) return { kind, path }
  const [, reason] = /^norun="([^"]+)"$/.exec(info) ?? []
  if (reason !== undefined) return { kind: 'norun', reason }
  throw new Error(`line ${line}: ${JSON.stringify(info)} is none of file=PATH, save=PATH, run, log, config, norun="REASON"`)
}

export interface Step {
  readonly command: string
  /** What the command prints, `…` for anything. */
  readonly expected: string
}

/** The commands of a `console run` block. */
export function parseTranscript(text: string): readonly Step[] {
  const [before = '', ...parts] = text.split(/^\$ /m)
  if (before.trim() !== '') throw new Error(`the block begins with ${JSON.stringify(before)}, not with a command`)
  return parts.map((part) => {
    const [, command = '', expected = ''] = /^((?:[^\n]*\\\n)*[^\n]*)\n?([\s\S]*)$/.exec(part) ?? []
    return { command, expected: expected.trimEnd() }
  })
}

/** `…` stands for anything, also for nothing; spaces at the ends of lines do not count. */
export function pattern(expected: string): RegExp {
  const parts = expected.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(parts.join('[^]*?'))
}
