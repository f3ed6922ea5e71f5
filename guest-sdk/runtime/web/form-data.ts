/** XHR Standard 5: FormData, and how it goes over the wire. */
import { utf8Encode } from '../bytes.ts'
import { blobBytes, WebBlob, WebFile } from './blob.ts'
import { concat } from './bytes-of.ts'
import { tag } from './define.ts'

type Value = string | WebFile
type Entry = [name: string, value: Value]

export class WebFormData {
  declare private list: Entry[]

  constructor(form?: unknown) {
    if (form !== undefined) throw new TypeError('FormData: there are no form elements here')
    Object.defineProperty(this, 'list', { value: [], writable: true })
  }

  append(name: string, value: unknown, filename?: string): void {
    this.list.push(entry(name, value, filename))
  }

  set(name: string, value: unknown, filename?: string): void {
    const made = entry(name, value, filename)
    const at = this.list.findIndex(([other]) => other === made[0])
    if (at < 0) this.list.push(made)
    else this.list = this.list.filter(([other], i) => i <= at || other !== made[0]).with(at, made)
  }

  delete(name: string): void {
    this.list = this.list.filter(([other]) => other !== String(name))
  }

  get(name: string): Value | null {
    return this.list.find(([other]) => other === String(name))?.[1] ?? null
  }

  getAll(name: string): Value[] {
    return this.list.filter(([other]) => other === String(name)).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.list.some(([other]) => other === String(name))
  }

  forEach(callback: (value: Value, name: string, form: WebFormData) => void, self?: unknown): void {
    for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this])
  }

  *entries(): Generator<Entry, undefined, undefined> {
    for (const [name, value] of this.list) yield [name, value]
  }

  *keys(): Generator<string, undefined, undefined> {
    for (const [name] of this.list) yield name
  }

  *values(): Generator<Value, undefined, undefined> {
    for (const [, value] of this.list) yield value
  }

  [Symbol.iterator](): Generator<Entry, undefined, undefined> {
    return this.entries()
  }
}
tag(WebFormData.prototype, 'FormData')

function entry(name: unknown, value: unknown, filename: string | undefined): Entry {
  const key = String(name).toWellFormed()
  if (!(value instanceof WebBlob)) return [key, String(value).toWellFormed()]
  if (value instanceof WebFile && filename === undefined) return [key, value]
  return [key, new WebFile([value], filename ?? 'blob', { type: value.type })]
}

/** HTML Standard 4.10.22.8: quotes and line ends in names are escaped, line ends in text are CRLF. */
const escapeName = (name: string): string => name.replace(/\r\n|\r|\n/g, '%0D%0A').replaceAll('"', '%22')

export function encodeMultipart(form: WebFormData): { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string } {
  const boundary = `----formdata-${crypto.randomUUID()}`
  const chunks: Uint8Array[] = []
  for (const [name, value] of form) {
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${escapeName(name)}"`
    if (typeof value === 'string') chunks.push(utf8Encode(`${head}\r\n\r\n${value.replace(/\r\n|\r|\n/g, '\r\n')}\r\n`))
    else {
      const type = value.type === '' ? 'application/octet-stream' : value.type
      chunks.push(utf8Encode(`${head}; filename="${escapeName(value.name)}"\r\ncontent-type: ${type}\r\n\r\n`))
      chunks.push(blobBytes(value), utf8Encode('\r\n'))
    }
  }
  chunks.push(utf8Encode(`--${boundary}--\r\n`))
  return { bytes: concat(chunks), type: `multipart/form-data; boundary=${boundary}` }
}
