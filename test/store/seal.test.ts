import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSeal, openSeal } from '../../src/store/seal.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-seal-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the seal', () => {
  const seal = createSeal(Buffer.alloc(32, 1))

  it('opens what it has sealed and shows nothing of it', () => {
    const sealed = seal.seal('a secret', 'function f')
    expect(sealed).not.toContain('secret')
    expect(seal.open(sealed, 'function f')).toBe('a secret')
    expect(seal.seal('a secret', 'function f')).not.toBe(sealed)
  })

  it('opens nothing under another name, with another key, or changed', () => {
    const sealed = seal.seal('a secret', 'function f')
    expect(() => seal.open(sealed, 'function g')).toThrow('cannot be opened')
    expect(() => createSeal(Buffer.alloc(32, 2)).open(sealed, 'function f')).toThrow('cannot be opened')
    expect(() => seal.open(`${sealed.slice(0, -4)}AAA=`, 'function f')).toThrow('cannot be opened')
    expect(() => seal.open('plain text', 'function f')).toThrow('cannot be opened')
  })

  it('makes a key file that only its owner can read, and uses it again', async () => {
    const path = join(folder, 'made.key')
    const sealed = (await openSeal(path, undefined)).seal('x', 'y')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await openSeal(path, undefined)).open(sealed, 'y')).toBe('x')
  })

  it('refuses a key file that others can read, and keys of another length', async () => {
    const path = join(folder, 'open.key')
    await writeFile(path, Buffer.alloc(32).toString('base64'))
    await chmod(path, 0o644)
    await expect(openSeal(path, undefined)).rejects.toThrow('chmod 600')
    await expect(openSeal(path, 'c2hvcnQ=')).rejects.toThrow('must be 32 bytes in base64')
  })
})
