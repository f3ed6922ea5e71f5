/** A place in a guest's stack: in the bundle that was evaluated, or, once mapped, in the author's file. */
export interface StackFrame {
  /** As the engine names it; '' for code without a name. */
  readonly function: string
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

/** More of a stack helps nobody; the innermost frames come first. */
const MAX_LINES = 100
/** A longer line is no frame. */
const MAX_LINE_LENGTH = 1000

const POSITION = /:(\d{1,9}):(\d{1,9})\)?$/

/**
 * The frames of a stack as JavaScript engines write it: SpiderMonkey's `name@file:line:column`, QuickJS's and V8's
 * `at name (file:line:column)`. The text is the guest's: whatever is no frame is passed over, and the work is bounded.
 */
export function parseStack(stack: string): readonly StackFrame[] {
  return stack
    .split('\n', MAX_LINES)
    .map((line) => parseFrame(line.trim()))
    .filter((frame) => frame !== undefined)
}

function parseFrame(line: string): StackFrame | undefined {
  if (line.length > MAX_LINE_LENGTH) return undefined
  const position = POSITION.exec(line)
  if (position === null) return undefined
  const found = line.startsWith('at ') ? ofV8(line.slice(3, position.index)) : ofSpiderMonkey(line.slice(0, position.index))
  if (found === undefined) return undefined
  return { function: readable(found.name), file: found.file, line: Number(position[1]), column: Number(position[2]) }
}

interface Named {
  readonly name: string
  readonly file: string
}

function ofV8(text: string): Named {
  const open = text.lastIndexOf(' (')
  return open < 0 ? { name: '', file: text } : { name: text.slice(0, open), file: text.slice(open + 2) }
}

function ofSpiderMonkey(text: string): Named | undefined {
  const at = text.indexOf('@')
  return at < 0 ? undefined : { name: text.slice(0, at), file: text.slice(at + 1) }
}

/** Without SpiderMonkey's marks (`async*` before what was awaited, `/<` for a function inside) and the numbers that bundlers add to equal names. */
function readable(name: string): string {
  const plain = name
    .replace(/^(?:async|promise callback|setTimeout handler|setInterval handler)\*/, '')
    .replace(/(?:\/<)+$/, '.<anonymous>')
    .replace(/\$\d{1,4}$/, '')
  return plain === '<anonymous>' || plain === '<eval>' || plain === '<' ? '' : plain
}

/** One line per frame, innermost first, in the form that editors and terminals make links of. */
export const formatFrame = (frame: StackFrame): string => {
  const place = `${frame.file}:${frame.line}:${frame.column}`
  return frame.function === '' ? `at ${place}` : `at ${frame.function} (${place})`
}
