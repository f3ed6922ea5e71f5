/** A guest's line is cut here; bytes. */
const MAX_LINE_BYTES = 16_384

const decoder = new TextDecoder()

/** Makes lines out of what a guest writes to one standard stream. */
export class LineSplitter {
  readonly #emit: (line: string) => void
  #rest: Uint8Array[] = []
  #length = 0

  constructor(emit: (line: string) => void) {
    this.#emit = emit
  }

  write(bytes: Uint8Array): void {
    let from = 0
    while (from < bytes.length) {
      const newline = bytes.indexOf(10, from)
      const end = Math.min(newline < 0 ? bytes.length : newline, from + MAX_LINE_BYTES - this.#length)
      if (end === newline && this.#length === 0) {
        // A whole line, without a copy: a guest can write 65,536 of them in one call.
        this.#emit(end === from ? '' : decoder.decode(bytes.subarray(from, end)))
        from = end + 1
        continue
      }
      this.#rest.push(bytes.slice(from, end))
      this.#length += end - from
      if (end === newline) this.flush(true)
      else if (this.#length >= MAX_LINE_BYTES) this.flush(false)
      from = end === newline ? end + 1 : end
    }
  }

  /** Emits what has no newline yet; an empty line only where there was one. */
  flush(terminated = false): void {
    if (!terminated && this.#length === 0) return
    const [only] = this.#rest
    const bytes = this.#rest.length === 1 && only !== undefined ? only : Buffer.concat(this.#rest)
    this.#rest = []
    this.#length = 0
    this.#emit(decoder.decode(bytes))
  }

  clear(): void {
    this.#rest = []
    this.#length = 0
  }
}
