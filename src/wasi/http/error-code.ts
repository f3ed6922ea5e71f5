import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'

type Payload = 'none' | 'dns' | 'tls' | 'u64' | 'u32' | 'text' | 'field' | 'optional-field'

/** wasi:http/types error-code: cases in the order of their discriminants, with the shape of their payload. */
const CASES = [
  ...([
    ['DNS-timeout', 'none'],
    ['DNS-error', 'dns'],
    ['destination-not-found', 'none'],
    ['destination-unavailable', 'none'],
  ] as const),
  ...([
    ['destination-IP-prohibited', 'none'],
    ['destination-IP-unroutable', 'none'],
    ['connection-refused', 'none'],
  ] as const),
  ...([
    ['connection-terminated', 'none'],
    ['connection-timeout', 'none'],
    ['connection-read-timeout', 'none'],
  ] as const),
  ...([
    ['connection-write-timeout', 'none'],
    ['connection-limit-reached', 'none'],
    ['TLS-protocol-error', 'none'],
  ] as const),
  ...([
    ['TLS-certificate-error', 'none'],
    ['TLS-alert-received', 'tls'],
    ['HTTP-request-denied', 'none'],
  ] as const),
  ...([
    ['HTTP-request-length-required', 'none'],
    ['HTTP-request-body-size', 'u64'],
    ['HTTP-request-method-invalid', 'none'],
  ] as const),
  ...([
    ['HTTP-request-URI-invalid', 'none'],
    ['HTTP-request-URI-too-long', 'none'],
    ['HTTP-request-header-section-size', 'u32'],
  ] as const),
  ...([
    ['HTTP-request-header-size', 'optional-field'],
    ['HTTP-request-trailer-section-size', 'u32'],
  ] as const),
  ...([
    ['HTTP-request-trailer-size', 'field'],
    ['HTTP-response-incomplete', 'none'],
    ['HTTP-response-header-section-size', 'u32'],
  ] as const),
  ...([
    ['HTTP-response-header-size', 'field'],
    ['HTTP-response-body-size', 'u64'],
    ['HTTP-response-trailer-section-size', 'u32'],
  ] as const),
  ...([
    ['HTTP-response-trailer-size', 'field'],
    ['HTTP-response-transfer-coding', 'text'],
  ] as const),
  ...([
    ['HTTP-response-content-coding', 'text'],
    ['HTTP-response-timeout', 'none'],
    ['HTTP-upgrade-failed', 'none'],
  ] as const),
  ...([
    ['HTTP-protocol-error', 'none'],
    ['loop-detected', 'none'],
    ['configuration-error', 'none'],
    ['internal-error', 'text'],
  ] as const),
] satisfies readonly (readonly [string, Payload])[]

type CaseName = (typeof CASES)[number][0]

/** What the host itself answers with. */
export interface HttpErrorCode {
  readonly case: CaseName
  /** For `…-body-size`. */
  readonly size?: bigint
  /** For `internal-error`. */
  readonly text?: string
}

/** Characters of a guest's text in an error message. */
const MAX_TEXT = 1024

/** Size and alignment of an error-code in memory. */
const ERROR_CODE_SIZE = 32

/** Stores `code` at the address `at`, aligned to 8. */
export function putErrorCode(memory: GuestMemory, at: number, code: HttpErrorCode): void {
  if (code.text !== undefined) memory.putString(at + 12, code.text)
  const area = memory.area(at, ERROR_CODE_SIZE, 8)
  area.u8(
    0,
    CASES.findIndex(([name]) => name === code.case),
  )
  area.u8(8, code.text === undefined && code.size === undefined ? 0 : 1)
  if (code.size !== undefined) area.u64(16, code.size)
}

/** result<_, error-code> */
export function putErrorResult(memory: GuestMemory, result: number, code: HttpErrorCode | undefined): void {
  if (code !== undefined) putErrorCode(memory, result + 8, code)
  memory.area(result, 8 + ERROR_CODE_SIZE, 8).u8(0, code === undefined ? 0 : 1)
}

/** option<error-code> */
export function putOptionalErrorCode(memory: GuestMemory, result: number, code: HttpErrorCode | undefined): void {
  if (code !== undefined) putErrorCode(memory, result + 8, code)
  memory.area(result, 8 + ERROR_CODE_SIZE, 8).u8(0, code === undefined ? 0 : 1)
}

/** The payload of a flattened error-code: what follows its discriminant. The second is an i64 because of option<u64>. */
export type FlatPayload = readonly [number, bigint, number, number, number, number]

/** A flattened error-code as text for a person, every part of it checked. */
export function readErrorCode(memory: GuestMemory, discriminant: number, flat: FlatPayload): string {
  const found = CASES[discriminant >>> 0] ?? trap(`error-code discriminant ${discriminant >>> 0}`)
  const details = readPayload(memory, found[1], flat)
  return details.length === 0 ? found[0] : `${found[0]} (${details.join(', ')})`
}

function readPayload(memory: GuestMemory, payload: Payload, flat: FlatPayload): string[] {
  const [a, b, c, d, e, f] = flat
  const low = Number(BigInt.asUintN(32, b))
  switch (payload) {
    case 'none':
      return []
    case 'text':
      return optional(a, () => text(memory, low, c))
    case 'u64':
      return optional(a, () => `${BigInt.asUintN(64, b)} bytes`)
    case 'u32':
      return optional(a, () => `${low} bytes`)
    case 'dns':
      return [...optional(a, () => text(memory, low, c)), ...optional(d, () => `code ${e & 0xffff}`)]
    case 'tls':
      return [...optional(a, () => `alert ${low & 0xff}`), ...optional(c, () => text(memory, d, e))]
    case 'field':
      return [...optional(a, () => text(memory, low, c)), ...optional(d, () => `${e >>> 0} bytes`)]
    case 'optional-field':
      if (optional(a, () => '').length === 0) return []
      return [...optional(low, () => text(memory, c, d)), ...optional(e, () => `${f >>> 0} bytes`)]
    default:
      return payload satisfies never
  }
}

/** As much of a text as a message may carry. */
function text(memory: GuestMemory, pointer: number, length: number): string {
  return memory.string(pointer, length).slice(0, MAX_TEXT)
}

function optional(discriminant: number, read: () => string): string[] {
  if (discriminant === 0) return []
  return discriminant === 1 ? [read()] : trap(`option discriminant ${discriminant >>> 0}`)
}
