import { copyStrategy } from './copy.ts'
import type { RestoreStrategy } from './contract.ts'
import { dirtyPagesStrategy } from './dirty-pages.ts'
import { openLinux } from './linux.ts'

export type RestoreChoice = 'auto' | RestoreStrategy['name']

export interface ChosenStrategy {
  readonly strategy: RestoreStrategy
  /** Why the dirty-pages strategy is not used, where it is not. */
  readonly reason: string | undefined
}

/** Picks the strategy by trying it (ISOLATION.md 3). `dirty-pages` throws where the probe fails; `auto` falls back to copying. */
export function chooseStrategy(choice: RestoreChoice = 'auto'): ChosenStrategy {
  if (choice === 'copy') return { strategy: copyStrategy, reason: 'chosen by option' }
  try {
    if (process.platform !== 'linux') throw new Error(`it needs Linux, this is ${process.platform}`)
    if ([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ').includes('disable-wasm-trap-handler'))
      throw new Error('it needs the WebAssembly trap handler, which is disabled')
    const linux = openLinux()
    // A small vector makes the probe take several scan calls.
    probe(dirtyPagesStrategy(linux, 4))
    return { strategy: dirtyPagesStrategy(linux), reason: undefined }
  } catch (error) {
    if (choice === 'dirty-pages') throw error
    return { strategy: copyStrategy, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Dirties known pages and sees them found and put back; throws when the system does not behave as the strategy needs. */
export function probe(strategy: RestoreStrategy): void {
  const pages = 4
  const length = pages * 65_536
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const bytes = new Uint8Array(memory.buffer)
  for (let i = 0; i < length; i += 4096) bytes[i] = 1 + (i >> 12)
  const image = strategy.capture(memory, length)
  try {
    const slot = strategy.attach(memory, image)
    for (const step of [8192, 4096, 16_384]) {
      for (let i = step; i < length; i += step * 2) bytes[i + 7] = 255
      if (slot.verify()) throw new Error('a dirtied page was not noticed')
      if (!slot.restore() || !slot.verify()) throw new Error('a dirtied page was not put back')
    }
    // The same page again and again, then one more: what is kept of a scan must not hide it.
    for (const page of [0, 0, 0, 9]) {
      bytes[page * 4096] = 255
      if (!slot.restore() || bytes[page * 4096] !== 1 + page) throw new Error('a page that is dirtied again was not put back')
    }
    slot.trim()
    if (!slot.verify()) throw new Error('dropped pages do not show the snapshot again')
  } finally {
    // The memory keeps its own mapping of the file; only the image's are given back.
    strategy.release(image)
  }
}
