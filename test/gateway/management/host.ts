import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  LambdaClient,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  type CreateFunctionCommandInput,
  type FunctionConfiguration,
  CreateFunctionCommand,
  InvokeCommand,
  type InvokeCommandInput,
} from '@aws-sdk/client-lambda'
import yazl from 'yazl'
import { startHost, type Host, type HostOptions } from '../../../src/host.ts'

export interface ManagedHost {
  readonly host: Host
  readonly client: LambdaClient
  readonly folder: string
  /** Stops it; the folder stays. */
  stop(): Promise<void>
}

const folders: string[] = []

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-managed-'))
  folders.push(folder)
  return folder
}

export async function removeFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}

/** A real host with a management API on free ports, and the AWS SDK's client for it. */
export async function startManaged(
  options: Partial<HostOptions> = {},
  credentials = { accessKeyId: 'any', secretAccessKey: 'any' },
): Promise<ManagedHost> {
  const folder = options.dataDir ?? (await temporaryFolder())
  const host = await startHost({
    config: join(folder, 'ampoule.jsonc'),
    configOptional: true,
    dataDir: folder,
    port: 0,
    managementPort: 0,
    lanes: 2,
    ...options,
  })
  const client = new LambdaClient({
    endpoint: host.managementUrl ?? '',
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  })
  return {
    host,
    client,
    folder,
    async stop() {
      client.destroy()
      await host.close(1_000)
    },
  }
}

export type Files = Readonly<Record<string, string | Uint8Array>>

export async function zipOf(files: Files): Promise<Uint8Array> {
  const zip = new yazl.ZipFile()
  for (const [path, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), path)
  zip.end()
  return new Uint8Array(await buffer(zip.outputStream))
}

export const ROLE = 'arn:aws:iam::000000000000:role/any'

/** A function out of an `index.mjs`, or of several files. */
export async function nodeFunction(
  name: string,
  source: string | Files,
  more: Partial<CreateFunctionCommandInput> = {},
): Promise<CreateFunctionCommandInput> {
  return {
    FunctionName: name,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Role: ROLE,
    Code: { ZipFile: await zipOf(typeof source === 'string' ? { 'index.mjs': source } : source) },
    ...more,
  }
}

const WAIT = { maxWaitTime: 60, minDelay: 0.05, maxDelay: 0.2 }

/** Creates it and waits for it as users do. */
export async function create(client: LambdaClient, input: CreateFunctionCommandInput): Promise<FunctionConfiguration> {
  const created = await client.send(new CreateFunctionCommand(input))
  await waitUntilFunctionActiveV2({ client, ...WAIT }, { FunctionName: input.FunctionName })
  return created
}

export const updated = (client: LambdaClient, name: string): Promise<unknown> =>
  waitUntilFunctionUpdatedV2({ client, ...WAIT }, { FunctionName: name })

export interface Invoked {
  readonly status: number | undefined
  readonly value: unknown
  readonly error: string | undefined
  readonly version: string | undefined
  readonly log: string | undefined
}

export async function invoke(
  client: LambdaClient,
  name: string,
  payload?: unknown,
  more: Partial<InvokeCommandInput> = {},
): Promise<Invoked> {
  const answer = await client.send(
    new InvokeCommand({ FunctionName: name, ...(payload !== undefined && { Payload: JSON.stringify(payload) }), ...more }),
  )
  const text = Buffer.from(answer.Payload ?? []).toString()
  return {
    status: answer.StatusCode,
    value: text === '' ? undefined : (JSON.parse(text) as unknown),
    error: answer.FunctionError,
    version: answer.ExecutedVersion,
    log: answer.LogResult === undefined ? undefined : Buffer.from(answer.LogResult, 'base64').toString(),
  }
}
