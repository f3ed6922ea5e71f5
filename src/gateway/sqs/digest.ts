import { createHash } from 'node:crypto'
import type { MessageAttributes } from '../../control/sent-attributes.ts'

export const md5 = (bytes: Uint8Array | string): string => createHash('md5').update(bytes).digest('hex')

/** Amazon SQS Developer Guide, "Calculating the MD5 message digest for message attributes". */
export function md5OfAttributes(attributes: MessageAttributes): string {
  const hash = createHash('md5')
  const part = (bytes: Uint8Array): void => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(attributes).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    part(Buffer.from(name))
    part(Buffer.from(DataType))
    hash.update(Buffer.from([BinaryValue === undefined ? 1 : 2]))
    part(BinaryValue === undefined ? Buffer.from(StringValue ?? '') : Buffer.from(BinaryValue, 'base64'))
  }
  return hash.digest('hex')
}
