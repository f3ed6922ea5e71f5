import { createHash } from 'node:crypto'
import { AmpouleError } from '../../errors.ts'
import type { ManagementClient } from '../client.ts'
import { unless } from '../client/failure.ts'
import type { Io } from '../command.ts'
import { clearProgress, uploadProgress } from '../progress.ts'
import { failureOf, settled, type Configuration } from '../settle.ts'
import { openUrl } from '../url.ts'
import { alignAlias, alignProvisioned, alignReserved } from './alignment.ts'
import { localised, type Packed } from './package.ts'
import { changesOf, type Wanted } from './wanted.ts'

export interface RolloutOptions {
  readonly publish: boolean
  /** The alias that is to lead to what is deployed. */
  readonly alias: string | undefined
  /** A URL that is open to everybody: the alias's, where there is one. */
  readonly url: boolean
  readonly dryRun: boolean
}

/** What became of a function; with `dryRun`, what would. */
export interface Outcome {
  readonly name: string
  readonly action: 'created' | 'updated' | 'unchanged' | 'failed' | 'skipped'
  /** For people: what differs from before. */
  readonly changes: readonly string[]
  /** Of the zip, as Lambda shows it. */
  readonly codeSha256: string | undefined
  readonly version: string | undefined
  readonly alias: string | undefined
  readonly url: string | undefined
  readonly notes: readonly string[]
  /** Why it failed. */
  readonly reason: string | undefined
}

export interface Release {
  readonly name: string
  readonly packed: Packed
  readonly wanted: Wanted
  /** What there is on the host; undefined: nothing. */
  readonly now: Configuration | undefined
}

/** As of an account that has no roles of its own. */
const ROLE = 'arn:aws:iam::000000000000:role/ampoule'

/**
 * Brings a function on the host to what is wanted, as far as it is not so already. Rejects with `FunctionError` when the host could not make it:
 * what invocations ran before, they run on.
 */
export async function rollOut(
  client: ManagementClient,
  release: Release,
  { publish, alias, url, dryRun }: RolloutOptions,
  io: Io,
): Promise<Outcome> {
  const { name, packed, wanted, now } = release
  const sha256 = createHash('sha256').update(packed.zip).digest('base64')
  const changes: string[] = []
  const settings = now === undefined ? undefined : changesOf(now, packed, wanted)
  const newCode = now === undefined || now.CodeSha256 !== sha256
  // What failed is tried again, also as it was.
  const again = now !== undefined && !newCode && settings?.words.length === 0 && failureOf(now) !== undefined
  if (now !== undefined)
    changes.push(...(newCode ? ['code'] : again ? ['its last change had failed'] : []), ...(settings?.words ?? []))
  if (!dryRun && now === undefined) await create(client, release, io)
  if (!dryRun && settings !== undefined && settings.words.length > 0) await configure(client, release, settings.input, newCode)
  if (!dryRun && now !== undefined && (newCode || again)) await replaceCode(client, release, io)
  const step = { client, name, dryRun, exists: now !== undefined }
  changes.push(...(await alignReserved(step, wanted.reserved)))
  let version: string | undefined
  if ((publish || alias !== undefined) && !dryRun) {
    // No other code than this one, should somebody else deploy at the same time.
    version = (await client.call('PublishVersion', { FunctionName: name, CodeSha256: sha256 })).Version
  }
  if (alias !== undefined) {
    changes.push(...(await alignAlias(step, alias, version)))
    changes.push(...(await alignProvisioned(step, alias, wanted.provisioned)))
  }
  const target = alias === undefined ? name : `${name}:${alias}`
  return {
    name,
    action: now === undefined ? 'created' : changes.length > 0 ? 'updated' : 'unchanged',
    changes,
    codeSha256: sha256,
    version,
    alias,
    url: url && !dryRun ? await openUrl(client, target) : undefined,
    notes:
      wanted.provisioned !== undefined && alias === undefined
        ? [...wanted.notes, 'minInstances has an effect with --alias only: instances of a version are kept ready']
        : wanted.notes,
    reason: undefined,
  }
}

/** What a function is on the host, when nothing of it is under way; undefined where there is none. */
export async function present(client: ManagementClient, name: string): Promise<Configuration | undefined> {
  return await settled(client, name).catch(unless('ResourceNotFoundException'))
}

async function create(client: ManagementClient, { name, packed, wanted }: Release, io: Io): Promise<void> {
  const { zip, Runtime, Handler } = packed
  const input = { FunctionName: name, Runtime, Handler, Role: ROLE, ...wanted.settings, Code: { ZipFile: zip } }
  await uploading(io, name, (onUpload) => client.call('CreateFunction', input, { onUpload }))
  await requireSuccess(client, name, packed)
}

async function replaceCode(client: ManagementClient, { name, packed }: Release, io: Io): Promise<void> {
  const input = { FunctionName: name, ZipFile: packed.zip }
  await uploading(io, name, (onUpload) => client.call('UpdateFunctionCode', input, { onUpload }))
  await requireSuccess(client, name, packed)
}

/** Before the code: new code may need a variable when it begins, old code does without. */
async function configure(client: ManagementClient, { name, packed }: Release, input: object, newCode: boolean): Promise<void> {
  await client.call('UpdateFunctionConfiguration', { FunctionName: name, ...input })
  // What is there may not have the new handler; it is replaced at once.
  if (newCode && 'Handler' in input) await settled(client, name)
  else await requireSuccess(client, name, packed)
}

async function requireSuccess(client: ManagementClient, name: string, { sources }: Packed): Promise<void> {
  const now = await settled(client, name)
  const reason = failureOf(now)
  if (reason === undefined) return
  const kept = now.State === 'Active' ? '; what was there before goes on' : ''
  throw new AmpouleError('FunctionError', `${localised(reason, sources)}${kept}`)
}

async function uploading(
  io: Io,
  name: string,
  upload: (onUpload: (sent: number, total: number) => void) => Promise<unknown>,
): Promise<void> {
  await upload(uploadProgress(io, name)).finally(() => clearProgress(io))
}
