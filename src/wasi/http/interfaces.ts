import { plain, unreachableMethods, type HostInterface } from '../interface.ts'
import { IO_ERROR } from '../io/error.ts'
import { trap } from '../trap.ts'
import { bodyFunctions, FUTURE_TRAILERS, INCOMING_BODY, OUTGOING_BODY } from './bodies.ts'
import { putErrorCode, putOptionalErrorCode } from './error-code.ts'
import { FIELDS } from './fields.ts'
import { fieldsFunctions } from './fields-functions.ts'
import { messageFunctions } from './message-functions.ts'
import {
  FUTURE_INCOMING_RESPONSE,
  INCOMING_REQUEST,
  INCOMING_RESPONSE,
  OUTGOING_REQUEST,
  OUTGOING_RESPONSE,
  REQUEST_OPTIONS,
  RESPONSE_OUTPARAM,
} from './messages.ts'
import { requestLineFunctions } from './request-line.ts'

const types: HostInterface = {
  resources: {
    fields: FIELDS,
    'incoming-request': INCOMING_REQUEST,
    'outgoing-request': OUTGOING_REQUEST,
    'request-options': REQUEST_OPTIONS,
    'response-outparam': RESPONSE_OUTPARAM,
    'incoming-response': INCOMING_RESPONSE,
    'incoming-body': INCOMING_BODY,
    'future-trailers': FUTURE_TRAILERS,
    'outgoing-response': OUTGOING_RESPONSE,
    'outgoing-body': OUTGOING_BODY,
    'future-incoming-response': FUTURE_INCOMING_RESPONSE,
  },
  functions: {
    ...fieldsFunctions,
    ...requestLineFunctions,
    ...messageFunctions,
    ...bodyFunctions,
    ...unreachableMethods(INCOMING_RESPONSE, ['status', 'headers', 'consume']),
    ...unreachableMethods(FUTURE_INCOMING_RESPONSE, ['subscribe', 'get']),
    'http-error-code': plain((host, memory) => (error: number, result: number) => {
      putOptionalErrorCode(memory, result, host.table.get(error, IO_ERROR).failure.http)
    }),
  },
}

const outgoingHandler: HostInterface = {
  resources: {},
  functions: {
    // result<own<future-incoming-response>, error-code>: no role grants a way out yet
    handle: plain((host, memory) => (request: number, hasOptions: number, options: number, result: number) => {
      if (hasOptions >>> 0 > 1) trap(`option discriminant ${hasOptions >>> 0}`)
      host.table.drop(request, OUTGOING_REQUEST)
      if (hasOptions === 1) host.table.drop(options, REQUEST_OPTIONS)
      putErrorCode(memory, result + 8, { case: 'HTTP-request-denied' })
      memory.area(result, 40, 8).u8(0, 1)
    }),
  },
}

/** wasi:http 0.2: types in full; incoming-handler is an export; outgoing calls are denied. */
export const httpInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:http/types': types,
  'wasi:http/outgoing-handler': outgoingHandler,
}
