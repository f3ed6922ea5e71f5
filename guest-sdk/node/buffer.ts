/** `node:buffer`. The class is a global of the runtime, so that it is in no function's bundle. */
import { isBytes, toBytes, type Bytes } from '../runtime/web/bytes-of.ts'
import { utf8Decode } from '../runtime/bytes.ts'

const { atob, Blob, btoa, Buffer, File } = globalThis

export { atob, Blob, btoa, Buffer, File }

export const kMaxLength = Number.MAX_SAFE_INTEGER
export const kStringMaxLength = 536_870_888
export const INSPECT_MAX_BYTES = 50
export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: kStringMaxLength }

const bytesOf = (input: Bytes): Uint8Array => {
  if (!isBytes(input)) throw new TypeError('the input is no ArrayBuffer and no view of one')
  return toBytes(input)
}

export const isUtf8 = (input: Bytes): boolean => utf8Decode(bytesOf(input)) !== undefined

export const isAscii = (input: Bytes): boolean => bytesOf(input).every((byte) => byte < 0x80)

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default { atob, Blob, btoa, Buffer, constants, File, INSPECT_MAX_BYTES, isAscii, isUtf8, kMaxLength, kStringMaxLength }
