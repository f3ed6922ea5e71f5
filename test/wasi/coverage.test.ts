import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSupported } from '../../src/wasi/index.ts'
import { PACKAGES, WIT } from './all-imports.ts'
import { toImport } from './driver.ts'

/** Every function and resource of a package, as paths of the driver. A small reader: WIT as the files have it, one item per line. */
function readWit(file: string): string[] {
  const found: string[] = []
  let owner = ''
  let resource = ''
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const text = line.replace(/\/\/.*$/, '').trim()
    const opened = /^(interface|world) ([\w-]+)/.exec(text)
    if (opened !== null) owner = opened[1] === 'interface' ? (opened[2] ?? '') : ''
    if (owner === '') continue
    const declared = /^resource ([\w-]+)(;| \{)/.exec(text)
    if (declared !== null) {
      found.push(`${owner}#[drop]${declared[1]}`)
      resource = declared[2] === ';' ? '' : (declared[1] ?? '')
    }
    if (resource !== '' && text.startsWith('constructor(')) found.push(`${owner}#[constructor]${resource}`)
    const fn = /^%?([\w-]+): (static )?func\(/.exec(text)
    if (fn !== null) {
      const kind = fn[2] === undefined ? '[method]' : '[static]'
      found.push(resource === '' ? `${owner}#${fn[1]}` : `${owner}#${kind}${resource}.${fn[1]}`)
    }
    if (text === '}' && /^ {2,4}\}/.test(line)) resource = ''
  }
  return found
}

/** What guests export rather than import. */
const EXPORTED = new Set(['wasi:http/incoming-handler#handle', 'wasi:cli/run#run'])

const items = PACKAGES.flatMap((name) => {
  const folder = path.join(WIT, `wasi-${name}`)
  return readdirSync(folder).flatMap((file) => readWit(path.join(folder, file)).map((item) => `wasi:${name}/${item}`))
}).filter((item) => !EXPORTED.has(item))

describe('the WASI host covers the WIT files', () => {
  it('reads them in full', () => {
    expect(items.length).toBeGreaterThan(200)
    expect(items).toContain('wasi:filesystem/types#[method]descriptor.metadata-hash-at')
    expect(items).toContain('wasi:http/types#[static]outgoing-body.finish')
    expect(items).toContain('wasi:io/streams#[drop]output-stream')
  })

  it.each(items)('supports %s', (item) => {
    expect(isSupported(toImport(item, '0.2.0'))).toBe(true)
    expect(isSupported(toImport(item, '0.2.12'))).toBe(true)
  })

  it('refuses other versions, other interfaces and inherited names', () => {
    expect(isSupported(toImport('wasi:io/poll#poll', '0.3.0'))).toBe(false)
    expect(isSupported(toImport('wasi:io/poll#poll', '0.2.0-rc-2023-11-10'))).toBe(false)
    expect(isSupported(toImport('wasi:io/poll#toString'))).toBe(false)
    expect(isSupported(toImport('wasi:io/poll#[drop]constructor'))).toBe(false)
    expect(isSupported(toImport('wasi:keyvalue/store#open'))).toBe(false)
  })
})
