/**
 * Text and base64 without TextDecoder and Buffer: QuickJS has neither.
 */

/** UTF-8 (Encoding Standard 8.1.1), or undefined when the bytes are not UTF-8. */
export const utf8Decode = (bytes: Uint8Array): string | undefined => decodeUtf8(bytes, true)

/** The same, with U+FFFD in the place of what is not UTF-8. */
export const utf8DecodeLossy = (bytes: Uint8Array): string => decodeUtf8(bytes, false) ?? ''

function decodeUtf8(bytes: Uint8Array, fatal: boolean): string | undefined {
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
    if (bad && fatal) return undefined
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
export function utf8Encode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 3)
  let at = 0
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i)
    if (point >= 0xd800 && point <= 0xdfff) {
      const low = point <= 0xdbff ? text.charCodeAt(i + 1) : 0
      if (low >= 0xdc00 && low <= 0xdfff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
        i++
      } else point = 0xfffd
    }
    if (point < 0x80) bytes[at++] = point
    else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >> 12)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else {
      bytes[at++] = 0xf0 | (point >> 18)
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    }
  }
  return bytes.slice(0, at)
}

export function bytesToBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 4096) binary += String.fromCharCode(...bytes.subarray(at, at + 4096))
  return btoa(binary)
}

export function bytesFromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
