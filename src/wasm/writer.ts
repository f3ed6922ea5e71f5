const encoder = new TextEncoder()

/** One growing byte buffer; nothing is allocated per write. */
export class Writer {
  #buffer: Uint8Array<ArrayBuffer>
  pos = 0

  constructor(capacity = 1024) {
    this.#buffer = new Uint8Array(Math.max(64, capacity))
  }

  #ensure(more: number): void {
    const need = this.pos + more
    if (need <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(need, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.pos))
    this.#buffer = grown
  }

  byte(value: number): void {
    if (this.pos >= this.#buffer.length) this.#ensure(1)
    this.#buffer[this.pos++] = value
  }

  bytes(...values: readonly number[]): void {
    for (const value of values) this.byte(value)
  }

  u32(value: number): void {
    this.#ensure(5)
    const buffer = this.#buffer
    let pos = this.pos
    while (value >= 0x80) {
      buffer[pos++] = (value & 0x7f) | 0x80
      value = Math.floor(value / 128)
    }
    buffer[pos++] = value
    this.pos = pos
  }

  /** Signed LEB128 of a safe integer. */
  signed(value: number): void {
    this.#ensure(10)
    for (;;) {
      const low = ((value % 128) + 128) % 128
      const rest = (value - low) / 128
      if ((rest === 0 && low < 64) || (rest === -1 && low >= 64)) {
        this.#buffer[this.pos++] = low
        return
      }
      this.#buffer[this.pos++] = low | 0x80
      value = rest
    }
  }

  copy(source: Uint8Array, from: number, to: number): void {
    const length = to - from
    this.#ensure(length)
    const buffer = this.#buffer
    let pos = this.pos
    // A subarray costs an object: most copied runs are a few instructions long.
    if (length < 48) for (let i = from; i < to; i++) buffer[pos++] = source[i]!
    else buffer.set(source.subarray(from, to), pos)
    this.pos += length
  }

  name(text: string): void {
    const bytes = encoder.encode(text)
    this.u32(bytes.length)
    this.copy(bytes, 0, bytes.length)
  }

  /** Writes `content` behind its own length, which is known only afterwards. */
  sized(content: () => void): void {
    const start = this.pos
    this.#ensure(5)
    this.pos = start + 5
    content()
    this.closeSized(start)
  }

  /** The first half of `sized`, for hot loops that should not make closures; returns what `closeSized` needs. */
  openSized(): number {
    this.#ensure(5)
    this.pos += 5
    return this.pos - 5
  }

  closeSized(start: number): void {
    const length = this.pos - start - 5
    this.pos = start
    this.u32(length)
    this.#ensure(length + 5)
    if (this.pos !== start + 5) this.#buffer.copyWithin(this.pos, start + 5, start + 5 + length)
    this.pos += length
  }

  /** What was written so far; shares memory with the writer until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.pos)
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.pos)
  }
}
