/**
 * Text and base64 without TextDecoder and Buffer: QuickJS has neither. By way of base64 and percent-encoding, which are native: they
 * cost a tenth of a loop over the characters.
 */
import type { Text } from './function.ts'

/** The bytes as Latin-1. */
const toBinary = (bytes: Uint8Array): string => atob(bytes.toBase64())

const fromBinary = (binary: string): Uint8Array<ArrayBuffer> => Uint8Array.fromBase64(btoa(binary))

/** UTF-8 (Encoding Standard 8.1.1), or undefined when the bytes are not UTF-8. */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  try {
    return decodeURIComponent(escape(toBinary(bytes)))
  } catch {
    return undefined
  }
}

/** The same, with U+FFFD in the place of what is not UTF-8. */
export const utf8DecodeLossy = (bytes: Uint8Array): string => utf8Decode(bytes) ?? decodeLossy(bytes)

function decodeLossy(bytes: Uint8Array): string {
  let text = ''
  let units: number[] = []
  let point = 0
  let needed = 0
  let lower = 0x80
  let upper = 0xbf
  for (let at = 0; at <= bytes.length; at++) {
    const byte = bytes[at]
    let bad = false
    if (needed > 0) {
      if (byte !== undefined && byte >= lower && byte <= upper) {
        point = (point << 6) | (byte & 0x3f)
        needed--
      } else {
        // The byte that does not continue the sequence is looked at again, as a start.
        bad = true
        needed = 0
        if (byte !== undefined) at--
      }
      lower = 0x80
      upper = 0xbf
    } else if (byte === undefined) break
    else if (byte < 0x80) point = byte
    else if (byte < 0xc2 || byte > 0xf4) bad = true
    else {
      needed = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1
      point = byte & (0x3f >> needed)
      // No overlong forms, no surrogates, nothing beyond U+10FFFF.
      if (byte === 0xe0) lower = 0xa0
      else if (byte === 0xf0) lower = 0x90
      else if (byte === 0xed) upper = 0x9f
      else if (byte === 0xf4) upper = 0x8f
    }
    if (needed > 0) continue
    if (bad) units.push(0xfffd)
    else if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff))
    else units.push(point)
    // Arguments travel on the stack: not too many at once.
    if (units.length >= 4096) {
      text += String.fromCharCode(...units)
      units = []
    }
  }
  return text + String.fromCharCode(...units)
}

/** UTF-8; a lone surrogate becomes U+FFFD, as TextEncoder does it. */
export const utf8Encode = (text: string): Uint8Array<ArrayBuffer> =>
  fromBinary(unescape(encodeURIComponent(text.isWellFormed() ? text : text.toWellFormed())))

/** Both engines have these, and QuickJS nothing else. */
export const TEXT: Text = { fromAscii: toBinary, fromUtf8: utf8Decode, toUtf8: utf8Encode }

export const bytesToBase64 = (bytes: Uint8Array): string => bytes.toBase64()

export const bytesFromBase64 = (text: string): Uint8Array<ArrayBuffer> => fromBinary(atob(text))
