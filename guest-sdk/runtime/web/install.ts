import * as streams from 'web-streams-polyfill'
import { WebAbortController, WebAbortSignal } from './abort.ts'
import { WebBlob, WebFile } from './blob.ts'
import { define } from './define.ts'
import { deniedFetch } from './deny-fetch.ts'
import { Utf8Encoder, WebTextDecoder } from './encoding.ts'
import { WebCustomEvent, WebEvent, WebEventTarget } from './events.ts'
import { WebFormData } from './form-data.ts'
import { WebHeaders } from './headers.ts'
import { WebRequest } from './request.ts'
import { WebResponse } from './response.ts'
import { createTextStreams } from './streams.ts'
import { structuredClone } from './structured-clone.ts'
import { WebCryptoKey, WebSubtleCrypto } from './subtle.ts'
import { WebCrypto } from './crypto.ts'
import { WebURL } from './url.ts'
import { WebURLSearchParams } from './url-search-params.ts'

/** Gives QuickJS the interfaces of the web that it lacks. `draw` gives random bytes from the host. */
export function installWeb(target: object, draw: (length: number) => Uint8Array): void {
  const interfaces = {
    AbortController: WebAbortController,
    AbortSignal: WebAbortSignal,
    Blob: WebBlob,
    Crypto: WebCrypto,
    CryptoKey: WebCryptoKey,
    CustomEvent: WebCustomEvent,
    Event: WebEvent,
    EventTarget: WebEventTarget,
    File: WebFile,
    FormData: WebFormData,
    Headers: WebHeaders,
    Request: WebRequest,
    Response: WebResponse,
    SubtleCrypto: WebSubtleCrypto,
    TextDecoder: WebTextDecoder,
    TextEncoder: Utf8Encoder,
    URL: WebURL,
    URLSearchParams: WebURLSearchParams,
    ...streams,
    ...createTextStreams(streams.TransformStream as unknown as typeof TransformStream),
  }
  for (const [name, value] of Object.entries(interfaces))
    Object.defineProperty(value, 'name', { value: name, configurable: true })
  define(target, interfaces)
  define(target, { crypto: new WebCrypto(draw), fetch: deniedFetch, self: target, structuredClone })
}
