import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { link, open, readFile, rm, stat } from 'node:fs/promises'
import { AmpouleError } from '../errors.ts'

/** Encrypts what must not lie in the store as it is: environment variables, access keys. */
export interface Seal {
  /** `context` names what the text belongs to; it cannot be opened as anything else. */
  seal(text: string, context: string): string
  /** Throws `Internal` for what was sealed with another key or for another context, or was changed. */
  open(sealed: string, context: string): string
  /** A key (32 bytes) for another purpose, which tells nothing of this one (RFC 5869). The same purpose has the same key. */
  derive(purpose: string): Uint8Array
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** In front of what is sealed, so that another form can follow. */
const FORM = 'v1.'

/**
 * The seal with the key in the file (32 bytes in base64), which is made with mode 0600 when it is not there, or with the key given as
 * `fromEnvironment` in the same form. Rejects with `InvalidConfiguration` for a key of another length and for a file that others can read.
 */
export async function openSeal(file: string, fromEnvironment: string | undefined): Promise<Seal> {
  const text = fromEnvironment ?? (await readOrMakeKey(file))
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== KEY_BYTES)
    throw new AmpouleError(
      'InvalidConfiguration',
      `the key ${fromEnvironment === undefined ? `in ${file}` : 'in AMPOULE_KEY'} must be ${KEY_BYTES} bytes in base64`,
    )
  return createSeal(key)
}

export function createSeal(key: Uint8Array): Seal {
  const own = Buffer.from(key)
  return {
    derive: (purpose) => new Uint8Array(hkdfSync('sha256', own, new Uint8Array(0), `ampoule ${purpose}`, KEY_BYTES)),
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', own, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(context))
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return FORM + sealed.toString('base64')
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.slice(FORM.length), 'base64')
      try {
        if (!sealed.startsWith(FORM)) throw new Error('unknown form')
        const decipher = createDecipheriv('aes-256-gcm', own, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(context))
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8')
      } catch (error) {
        throw new AmpouleError(
          'Internal',
          `what is sealed for ${context} cannot be opened: is the key (${fingerprint(own)}) the one that sealed it?`,
          { cause: error },
        )
      }
    },
  }
}

/** Names a key without giving it away. */
const fingerprint = (key: Uint8Array): string => createHash('sha256').update('ampoule key').update(key).digest('hex').slice(0, 8)

async function readOrMakeKey(path: string): Promise<string> {
  const made = randomBytes(KEY_BYTES).toString('base64')
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(made)
      await file.sync()
    } finally {
      await file.close()
    }
    // Whole or not at all; and never in the place of one that is there.
    await link(temporary, path)
    return made
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(temporary, { force: true })
  }
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0)
    throw new AmpouleError('InvalidConfiguration', `others can read the key file ${path}: run "chmod 600 ${path}"`)
  return readFile(path, 'utf8')
}
