/** Web Cryptography 10: random values come from the host at every call, so that no snapshot holds what will be drawn. */
import { toBytes } from './bytes-of.ts'
import { tag } from './define.ts'
import { WebSubtleCrypto } from './subtle.ts'

const MAX_BYTES = 65_536

export class WebCrypto {
  declare readonly subtle: WebSubtleCrypto
  declare private draw: (length: number) => Uint8Array

  constructor(draw: (length: number) => Uint8Array) {
    Object.defineProperty(this, 'subtle', { value: new WebSubtleCrypto(), enumerable: true })
    Object.defineProperty(this, 'draw', { value: draw })
  }

  getRandomValues<T extends ArrayBufferView>(view: T): T {
    if (!ArrayBuffer.isView(view) || view instanceof DataView || view instanceof Float32Array || view instanceof Float64Array) {
      throw new DOMException('getRandomValues: the argument is no array of integers', 'TypeMismatchError')
    }
    if (view.byteLength > MAX_BYTES) {
      throw new DOMException(`getRandomValues: ${view.byteLength} bytes are more than ${MAX_BYTES}`, 'QuotaExceededError')
    }
    toBytes(view).set(this.draw(view.byteLength))
    return view
  }

  randomUUID(): string {
    const bytes = this.draw(16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const hex = bytes.toHex()
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }
}
tag(WebCrypto.prototype, 'Crypto')
