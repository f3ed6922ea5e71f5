import { emitKeypressEvents } from 'node:readline'
import type { ReadStream } from 'node:tty'

/** What single keys do; `undefined` for a key without a meaning. */
export type KeyActions = Readonly<Record<string, (() => void) | undefined>>

interface Key {
  readonly name?: string
  readonly ctrl?: boolean
}

/** Listens to single keys of a terminal; ctrl+c counts as `q`. Gives what ends it. */
export function listenToKeys(stdin: ReadStream, actions: KeyActions): () => void {
  const onKey = (_: string | undefined, { name = '', ctrl = false }: Key): void => {
    if (ctrl) {
      if (name === 'c') actions['q']?.()
      return
    }
    actions[name]?.()
  }
  emitKeypressEvents(stdin)
  stdin.setRawMode(true)
  stdin.on('keypress', onKey)
  stdin.resume()
  return () => {
    stdin.off('keypress', onKey)
    stdin.setRawMode(false)
    stdin.pause()
  }
}
