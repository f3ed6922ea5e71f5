import { randomBytes } from 'node:crypto'
import { AmpouleError } from '../errors.ts'
import type { Store } from '../store/contract.ts'
import type { AccessKeyRecord } from '../store/records.ts'
import type { Seal } from '../store/seal.ts'

/** What requests are signed with. The secret is for lanes and for its owner, once: never for logs. */
export interface AccessKey {
  readonly id: string
  readonly secret: string
}

const ID_PREFIX = 'AMPK'
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** As long as AWS's, for tools that check. */
const ID_LENGTH = 20
const SECRET_BYTES = 30

const sealContext = (id: string): string => `access key ${id}`

/** Makes a key and keeps it: the secret can be shown to its owner now, and never again. */
export async function createAccessKey(store: Store, seal: Seal, nowMs: number): Promise<AccessKey> {
  const letters = randomBytes(ID_LENGTH - ID_PREFIX.length)
  const id = ID_PREFIX + Array.from(letters, (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')
  const secret = randomBytes(SECRET_BYTES).toString('base64')
  await store.transact(async (tx) =>
    tx.put('access_keys', { id, secret: seal.seal(secret, sealContext(id)), createdAt: new Date(nowMs).toISOString() }),
  )
  return { id, secret }
}

/** Without secrets, in the order of ids. */
export const listAccessKeys = async (store: Store): Promise<readonly Omit<AccessKeyRecord, 'secret'>[]> =>
  (await store.list('access_keys')).map(({ id, createdAt }) => ({ id, createdAt }))

/** Rejects with `InvalidRequest` when there is none with this id. */
export async function deleteAccessKey(store: Store, id: string): Promise<void> {
  await store.transact(async (tx) => {
    if ((await tx.get('access_keys', [id])) === undefined)
      throw new AmpouleError('InvalidRequest', `there is no access key ${JSON.stringify(id)}; see "ampoule key list"`)
    tx.delete('access_keys', { id })
  })
}

/** With secrets, for whoever verifies signatures. */
export const openAccessKeys = async (store: Store, seal: Seal): Promise<readonly AccessKey[]> =>
  (await store.list('access_keys')).map(({ id, secret }) => ({ id, secret: seal.open(secret, sealContext(id)) }))
