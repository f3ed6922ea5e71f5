/** TextEncoder and TextDecoder (Encoding Standard) for the encodings that occur without a history: UTF-8, UTF-16 and windows-1252. */
import { utf8Decode, utf8DecodeLossy, utf8Encode } from '../bytes.ts'
import { toBytes, type Bytes } from './bytes-of.ts'
import { tag } from './define.ts'

export class Utf8Encoder {
  declare readonly encoding: 'utf-8'

  encode(text: unknown = ''): Uint8Array<ArrayBuffer> {
    return utf8Encode(String(text))
  }

  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    let read = 0
    let written = 0
    for (const character of String(text)) {
      const bytes = utf8Encode(character)
      if (written + bytes.length > into.length) break
      into.set(bytes, written)
      written += bytes.length
      read += character.length
    }
    return { read, written }
  }
}
Object.defineProperty(Utf8Encoder.prototype, 'encoding', { value: 'utf-8', configurable: true })
tag(Utf8Encoder.prototype, 'TextEncoder')

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

/** Encoding Standard 4.2, without the names that nobody has used since the nineties. */
const LABELS: Readonly<Record<string, Encoding>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'unicode-1-1-utf-8': 'utf-8',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'ucs-2': 'utf-16le',
  'utf-16be': 'utf-16be',
  'windows-1252': 'windows-1252',
  ascii: 'windows-1252',
  'us-ascii': 'windows-1252',
  latin1: 'windows-1252',
  'iso-8859-1': 'windows-1252',
  'iso8859-1': 'windows-1252',
  cp1252: 'windows-1252',
}

/** What 0x80 to 0x9f are in windows-1252; all other bytes are the code point of their number. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

const NOTHING = new Uint8Array(0)

export class WebTextDecoder {
  declare readonly encoding: Encoding
  declare readonly fatal: boolean
  declare readonly ignoreBOM: boolean
  declare private rest: Uint8Array
  declare private started: boolean

  constructor(label: unknown = 'utf-8', options: TextDecoderOptions = {}) {
    const name = String(label).trim().toLowerCase()
    const encoding = Object.hasOwn(LABELS, name) ? LABELS[name] : undefined
    if (encoding === undefined) {
      throw new RangeError(`TextDecoder: ${String(label)} is none of the encodings utf-8, utf-16le, utf-16be and windows-1252`)
    }
    const fixed = { encoding, fatal: options.fatal === true, ignoreBOM: options.ignoreBOM === true }
    for (const [key, value] of Object.entries(fixed)) Object.defineProperty(this, key, { value, enumerable: true })
    Object.defineProperty(this, 'rest', { value: NOTHING, writable: true })
    Object.defineProperty(this, 'started', { value: false, writable: true })
  }

  decode(input?: Bytes, options: TextDecodeOptions = {}): string {
    const more = options.stream === true
    let bytes = input === undefined ? NOTHING : toBytes(input)
    if (this.rest.length > 0) {
      const joined = new Uint8Array(this.rest.length + bytes.length)
      joined.set(this.rest)
      joined.set(bytes, this.rest.length)
      bytes = joined
      this.rest = NOTHING
    }
    if (more) {
      const whole = bytes.length - unfinished(bytes, this.encoding)
      this.rest = bytes.slice(whole)
      bytes = bytes.subarray(0, whole)
    }
    const text = decode(bytes, this.encoding, this.fatal)
    if (text === undefined) {
      this.started = false
      throw new TypeError(`the bytes are not valid ${this.encoding}`)
    }
    const strip = !this.ignoreBOM && !this.started && text.startsWith('\uFEFF')
    this.started = more && (this.started || text.length > 0)
    return strip ? text.slice(1) : text
  }
}
tag(WebTextDecoder.prototype, 'TextDecoder')

function decode(bytes: Uint8Array, encoding: Encoding, fatal: boolean): string | undefined {
  switch (encoding) {
    case 'utf-8':
      return fatal ? utf8Decode(bytes) : utf8DecodeLossy(bytes)
    case 'windows-1252':
      return atob(bytes.toBase64()).replace(/[\u0080-\u009f]/g, (byte) => WINDOWS_1252.charAt(byte.charCodeAt(0) - 0x80))
    case 'utf-16le':
    case 'utf-16be':
      return decodeUtf16(bytes, encoding === 'utf-16le', fatal)
  }
  return encoding satisfies never
}

function decodeUtf16(bytes: Uint8Array, littleEndian: boolean, fatal: boolean): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  for (let at = 0; at + 1 < bytes.length; at += 2) text += String.fromCharCode(view.getUint16(at, littleEndian))
  const whole = bytes.length % 2 === 0
  if (fatal && !(whole && text.isWellFormed())) return undefined
  // Half a character and half a unit at the end are one mistake.
  return whole ? text.toWellFormed() : `${text.replace(/[\uD800-\uDBFF]$/, '').toWellFormed()}\uFFFD`
}

/** How many bytes at the end are the start of a character that the next chunk may complete. */
function unfinished(bytes: Uint8Array, encoding: Encoding): number {
  if (encoding === 'windows-1252') return 0
  const { length } = bytes
  if (encoding !== 'utf-8') {
    const odd = length % 2
    const high = bytes[length - odd - (encoding === 'utf-16le' ? 1 : 2)] ?? 0
    return odd + (high >= 0xd8 && high <= 0xdb ? 2 : 0)
  }
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back] ?? 0
    if (byte >= 0x80 && byte < 0xc0) continue
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1
    return needed > back && byte <= 0xf4 ? back : 0
  }
  return 0
}
