import { crc32 } from 'node:zlib'
import type { InvokeAnswer } from '../../triggers/invoke.ts'

/*
 * application/vnd.amazon.eventstream (Smithy, "Amazon Event Stream Specification"): messages of a prelude (length of all, length of the headers,
 * CRC of both), headers, payload, and the CRC of all before it.
 */

export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream'

const STRING = 7
const PRELUDE_BYTES = 12
const CRC_BYTES = 4
/** A client must take a message of this size; larger ones are cut. */
const CHUNK_BYTES = 1024 * 1024

/** One message with an event. */
export function encodeEvent(eventType: string, contentType: string, payload: Uint8Array): Buffer {
  const headers = Buffer.concat([
    header(':event-type', eventType),
    header(':content-type', contentType),
    header(':message-type', 'event'),
  ])
  const total = PRELUDE_BYTES + headers.length + payload.length + CRC_BYTES
  const message = Buffer.alloc(total)
  message.writeUInt32BE(total, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  message.set(headers, PRELUDE_BYTES)
  message.set(payload, PRELUDE_BYTES + headers.length)
  message.writeUInt32BE(crc32(message.subarray(0, total - CRC_BYTES)), total - CRC_BYTES)
  return message
}

function header(name: string, value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(3)
  length.writeUInt8(STRING, 0)
  length.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, bytes])
}

/** A whole answer of InvokeWithResponseStream: chunks of the payload where the function succeeded, then InvokeComplete. */
export function encodeAnswer({ payload, functionError, logResult }: InvokeAnswer): Buffer {
  const complete = {
    ...(functionError !== undefined && { ErrorCode: functionError, ErrorDetails: payload }),
    ...(logResult !== undefined && { LogResult: logResult }),
  }
  const bytes = functionError === undefined ? Buffer.from(payload) : Buffer.alloc(0)
  const messages: Buffer[] = []
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    messages.push(encodeEvent('PayloadChunk', 'application/octet-stream', bytes.subarray(at, at + CHUNK_BYTES)))
  messages.push(encodeEvent('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(complete))))
  return Buffer.concat(messages)
}
