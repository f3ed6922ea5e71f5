import { describe, expect, it } from 'vitest'
import { CodeLinks } from '../../src/control/links.ts'
import { createSeal } from '../../src/store/seal.ts'

const HASH = 'a'.repeat(64)
const key = createSeal(new Uint8Array(32).fill(1)).derive('links to code')

describe('a link to code', () => {
  it('is good for ten minutes and for one file', () => {
    let now = 1_000_000_400
    const links = new CodeLinks(key, () => now)
    const link = links.make(HASH, 'https://api.example:8443')
    expect(link).toMatch(/^https:\/\/api\.example:8443\/_ampoule\/code\/a{64}\?Expires=1000600&Signature=[\w-]{43}$/)
    const target = link.slice('https://api.example:8443'.length)
    expect(links.read(target)).toBe(HASH)
    now += 599_000
    expect(links.read(target)).toBe(HASH)
    now += 1_000
    expect(() => links.read(target)).toThrow(
      expect.objectContaining({ type: 'AccessDeniedException', message: expect.stringMatching(/expired/) as string }),
    )
  })

  it('is refused with anything changed, and from another host', () => {
    const links = new CodeLinks(key, () => 0)
    const target = links.make(HASH, '')
    const forged = [
      target.replace('/a', '/b'),
      target.replace('Expires=600', 'Expires=601'),
      target.replace(/Signature=./, (found) => (found.endsWith('A') ? 'Signature=B' : 'Signature=A')),
      target.replace(/&Signature.*/, ''),
      target.replace(/Signature=.*/, 'Signature='),
      target.replace(/\?.*/, ''),
      `/_ampoule/code/../code/${HASH}`,
      '/_ampoule/code/',
      '//',
    ]
    for (const other of forged) expect(() => links.read(other)).toThrow(/not one that this host has made/)
    const elsewhere = new CodeLinks(createSeal(new Uint8Array(32).fill(2)).derive('links to code'), () => 0)
    expect(() => elsewhere.read(target)).toThrow(/not one that this host has made/)
    const otherwise = new CodeLinks(createSeal(new Uint8Array(32).fill(1)).derive('another purpose'), () => 0)
    expect(() => otherwise.read(target)).toThrow(/not one that this host has made/)
  })
})
