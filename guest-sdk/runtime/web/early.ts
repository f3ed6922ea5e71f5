/**
 * Imported before anything else in QuickJS: libraries take hold of `Promise` and of the text codecs while they are evaluated, and have
 * to get ours. The one module of the runtime that does something by being imported.
 */
import { JobPromise } from '../promise.ts'
import { Utf8Encoder, WebTextDecoder } from './encoding.ts'
import { define } from './define.ts'

define(globalThis, { Promise: JobPromise, TextEncoder: Utf8Encoder, TextDecoder: WebTextDecoder })
