import { parseMultipart } from '@remix-run/multipart-parser'
import { utf8DecodeLossy } from '../bytes.ts'
import { parseForm } from './url-search-params.ts'

interface Form<F> {
  append(name: string, value: string | F): void
}

type MakeFile<F> = new (parts: Uint8Array<ArrayBuffer>[], name: string, options: { readonly type: string }) => F

/**
 * Puts into `form` what a body of that content type has (Fetch Standard 5.3 `formData`): a multipart form, or a URL-encoded one. Throws a
 * `TypeError` when it is neither.
 */
export function decodeForm<F, T extends Form<F>>(bytes: Uint8Array, contentType: string, form: T, File: MakeFile<F>): T {
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) {
    for (const [name, value] of parseForm(utf8DecodeLossy(bytes))) form.append(name, value)
    return form
  }
  const [, quoted, plain] = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) {
    throw new TypeError(
      `formData: content-type ${JSON.stringify(contentType)} is neither multipart/form-data nor a URL-encoded form`,
    )
  }
  try {
    // The memory limit of the function is the limit.
    const options = { boundary, maxFileSize: Infinity, maxParts: Infinity, maxTotalSize: Infinity }
    for (const { name, filename, mediaType = 'text/plain', bytes: content } of parseMultipart(bytes, options)) {
      if (name === undefined) continue
      if (filename === undefined) form.append(name, utf8DecodeLossy(content))
      else form.append(name, new File([content.slice()], filename, { type: mediaType }))
    }
  } catch (error) {
    throw new TypeError(`formData: the body is no multipart form: ${String(error)}`, { cause: error })
  }
  return form
}
