import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { crc32, deflateRawSync } from 'node:zlib'
import {
  CreateFunctionCommand,
  PublishLayerVersionCommand,
  UpdateFunctionConfigurationCommand,
  type CreateFunctionCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, nodeFunction, removeFolders, startManaged, zipOf, type ManagedHost } from './host.ts'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
  await create(managed.client, await nodeFunction('there', 'export const handler = () => 1'))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const INVALID = 'InvalidParameterValueException'

describe('CreateFunction refuses by name', () => {
  it.each<[string, object, string, string]>([
    ['PackageType', { PackageType: 'Image' }, INVALID, 'The parameter PackageType is not supported'],
    [
      'FileSystemConfigs',
      {
        FileSystemConfigs: [
          {
            Arn: 'arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0',
            LocalMountPath: '/mnt/a',
          },
        ],
      },
      INVALID,
      'The parameter FileSystemConfigs',
    ],
    ['KMSKeyArn', { KMSKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/any' }, INVALID, 'The parameter KMSKeyArn'],
    ['TracingConfig', { TracingConfig: { Mode: 'Active' } }, INVALID, 'The parameter TracingConfig'],
    ['VpcConfig', { VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] } }, INVALID, 'The parameter VpcConfig'],
    ['EphemeralStorage', { EphemeralStorage: { Size: 1024 } }, INVALID, 'The parameter EphemeralStorage'],
    ['S3Bucket', { Code: { S3Bucket: 'bucket', S3Key: 'key' } }, INVALID, 'The parameter Code.S3Bucket is not supported'],
    ['no code', { Code: {} }, INVALID, 'Please provide a source for function code.'],
    [
      'memory above the limit',
      { MemorySize: 5000 },
      INVALID,
      'The MemorySize 5000 is not supported: functions can have up to 4096 MB',
    ],
    [
      'memory below the limit',
      { MemorySize: 127 },
      'ValidationException',
      "Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128",
    ],
    ['a timeout above the limit', { Timeout: 901 }, INVALID, 'Member must have value less than or equal to 900'],
    ['several mistakes at once', { MemorySize: 1, Timeout: 0 }, 'ValidationException', '2 validation errors detected: '],
    [
      'a runtime that is no runtime',
      { Runtime: 'cobol' },
      'ValidationException',
      "Value 'cobol' at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ",
    ],
    ['a runtime that is not here', { Runtime: 'java21' }, INVALID, 'The runtime parameter of java21 is not supported'],
    ['a role that is no ARN', { Role: 'admin' }, 'ValidationException', "Value 'admin' at 'role' failed to satisfy constraint"],
    ['a name of 65 letters', { FunctionName: 'a'.repeat(65) }, INVALID, 'Member must have length less than or equal to 64'],
    ["the host's own name", { FunctionName: '_ampoule' }, INVALID, 'belongs to the host'],
    ['a qualified name', { FunctionName: 'name:1' }, INVALID, 'must not have the qualifier 1'],
    [
      'reserved variables',
      { Environment: { Variables: { AWS_REGION: 'x' } } },
      INVALID,
      'Reserved keys used in this request: AWS_REGION',
    ],
    ['variables over 4 KB', { Environment: { Variables: { BIG: 'x'.repeat(4096) } } }, INVALID, 'exceeded the 4KB limit'],
    [
      'variables with other names',
      { Environment: { Variables: { '1A': 'hush' } } },
      'ValidationException',
      'failed to satisfy constraint',
    ],
    ['a handler without an export', { Handler: 'index' }, INVALID, 'must be FILE.EXPORT'],
    ['a handler of a file that there is not', { Handler: 'main.handler' }, INVALID, 'needs the file main'],
  ])('%s', async (_, given, name, message) => {
    const input = { ...(await nodeFunction('bad', 'export const handler = () => 1')), ...given }
    await expect(managed.client.send(new CreateFunctionCommand(input))).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message) as string,
    })
  })

  it('a parameter that it does not know', async () => {
    const answer = await fetch(`${managed.host.managementUrl}/2015-03-31/functions/there/configuration`, {
      method: 'PUT',
      body: JSON.stringify({ MemorySze: 128 }),
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      message: expect.stringContaining('The parameter MemorySze is not known') as string,
    })
  })

  it('a request that is larger than any with a zip can be, before it is sent', async () => {
    const url = new URL(`${managed.host.managementUrl}/2015-03-31/functions`)
    const headers = { 'content-type': 'application/json', 'content-length': 70_167_212 }
    const sent = request(url, { method: 'POST', headers })
    sent.on('error', () => undefined)
    sent.flushHeaders()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    expect([answer.statusCode, answer.headers['x-amzn-errortype']]).toEqual([413, 'RequestTooLargeException'])
    expect(await text(answer)).toContain('70167211 bytes')
    sent.destroy()
  })

  it('secrets stay out of messages', async () => {
    const change = new UpdateFunctionConfigurationCommand({
      FunctionName: 'there',
      Environment: { Variables: { AA: 'a-secret'.padEnd(5000), AWS_REGION: 'a-secret' } },
    })
    await expect(managed.client.send(change)).rejects.toSatisfy((error: Error) => !error.message.includes('a-secret'))
  })
})

interface Forged {
  readonly content?: Buffer
  /** The size, unpacked. */
  readonly says?: number
  readonly checksum?: number
  readonly method?: number
  /** How often the entry is there. */
  readonly times?: number
  readonly mode?: number
  readonly flags?: number
}

/** A zip with one entry, or the same several times, which says of itself what it likes. */
function forged(
  name: string,
  {
    content = Buffer.from('x'),
    says = content.length,
    checksum = crc32(content),
    method = 8,
    mode = 0,
    flags = 0x800,
    times = 1,
  }: Forged = {},
): Uint8Array {
  const data = deflateRawSync(content)
  const path = Buffer.from(name)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(20, 4)
  local.writeUInt16LE(flags, 6)
  local.writeUInt16LE(method, 8)
  local.writeUInt32LE(checksum, 14)
  local.writeUInt32LE(data.length, 18)
  local.writeUInt32LE(says, 22)
  local.writeUInt16LE(path.length, 26)
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt16LE(0x0314, 4)
  central.writeUInt16LE(20, 6)
  central.writeUInt16LE(flags, 8)
  central.writeUInt16LE(method, 10)
  central.writeUInt32LE(checksum, 16)
  central.writeUInt32LE(data.length, 20)
  central.writeUInt32LE(says, 24)
  central.writeUInt16LE(path.length, 28)
  central.writeUInt32LE((mode << 16) >>> 0, 38)
  const start = local.length + path.length + data.length
  const entries = Array.from({ length: times }, () => [central, path]).flat()
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(times, 8)
  end.writeUInt16LE(times, 10)
  end.writeUInt32LE((central.length + path.length) * times, 12)
  end.writeUInt32LE(start, 16)
  return new Uint8Array(Buffer.concat([local, path, data, ...entries, end]))
}

describe('a zip is refused', () => {
  /** The message with which it is. */
  const refusal = async (ZipFile: Uint8Array, more: Partial<CreateFunctionCommandInput> = {}): Promise<string> => {
    const input = { ...(await nodeFunction('zipped', '')), ...more, Code: { ZipFile } }
    const error = await managed.client.send(new CreateFunctionCommand(input)).then(
      () => new Error('it was not refused'),
      (error: unknown) => error,
    )
    expect(error).toMatchObject({ name: INVALID })
    return (error as Error).message
  }

  it('when it is none, or cut off', async () => {
    expect(await refusal(Buffer.from('not a zip'))).toMatch(/Could not unzip uploaded file/)
    const whole = await zipOf({ 'index.mjs': 'export const handler = () => 1' })
    expect(await refusal(whole.subarray(0, whole.length - 10))).toMatch(/Could not unzip uploaded file/)
  })

  it.each(['../index.mjs', 'a/../../index.mjs', '/etc/passwd', 'C:/index.mjs', 'a\\..\\b'])('for the path %s', async (path) => {
    expect(await refusal(forged(path))).toMatch(/The zip cannot be used: /)
  })

  it('for a link, an encrypted file, a device, and nothing at all', async () => {
    expect(await refusal(forged('index.mjs', { mode: 0o120777 }))).toMatch(/symbolic link/)
    expect(await refusal(forged('index.mjs', { flags: 0x801 }))).toMatch(/encrypted/)
    expect(await refusal(forged('index.mjs', { mode: 0o020666 }))).toMatch(/no regular file/)
    expect(await refusal(await zipOf({}))).toMatch(/it is empty/)
  })

  it('for more than 250 MB by what it says, whatever it holds', async () => {
    expect(await refusal(forged('index.mjs', { says: 262_144_001 }))).toMatch(
      /Unzipped size must be smaller than 262144000 bytes/,
    )
  })

  it('for more than 50 MB', async () => {
    expect(await refusal(randomBytes(50 * 1024 * 1024 + 1))).toMatch(/The zip has 52428801 bytes, the limit is 52428800/)
  })

  it('for a million entries, before they are looked at', async () => {
    expect(await refusal(forged('index.mjs', { times: 20_001 }))).toMatch(/The zip has 20001 entries, the limit is 20000/)
  })

  it('for two files of one name, and a file that is a folder of another', async () => {
    expect(await refusal(forged('index.mjs', { times: 2 }))).toMatch(/has the file "index.mjs" twice/)
    expect(await refusal(await zipOf({ 'index.mjs': '1', 'index.mjs/inner': '2' }))).toMatch(
      /has "index.mjs" both as a file and as a folder/,
    )
  })

  it('for a name with a NUL character, and for another compression than deflate', async () => {
    expect(await refusal(forged('index.mjs\0.txt'))).toMatch(/NUL character in its name/)
    expect(await refusal(forged('index.mjs', { method: 12 }))).toMatch(/compressed in a way \(12\) that is not deflate/)
  })

  it('in the same way when it is that of a layer', async () => {
    const layer = (ZipFile: Uint8Array) =>
      managed.client.send(new PublishLayerVersionCommand({ LayerName: 'zipped', Content: { ZipFile } }))
    for (const [zip, message] of [
      [forged('../up'), /cannot be used/],
      [forged('link', { mode: 0o120777 }), /symbolic link/],
      [forged('a', { says: 262_144_001 }), /Unzipped size must be smaller/],
      [forged('a', { times: 20_001 }), /20001 entries/],
      [randomBytes(50 * 1024 * 1024 + 1), /52428801 bytes, the limit is 52428800/],
    ] as const)
      await expect(layer(zip)).rejects.toMatchObject({ name: INVALID, message: expect.stringMatching(message) as string })
  })

  it('when one of its files is not what its checksum says, when it is unpacked', async () => {
    const { client } = managed
    const damaged = forged('index.mjs', { content: Buffer.from('export const handler = () => 1'), checksum: 1 })
    await expect(create(client, { ...(await nodeFunction('checksum', '')), Code: { ZipFile: damaged } })).rejects.toThrow(
      /damaged: its checksum is another/,
    )
  })

  it('for a file that is larger than it says, when it is unpacked', async () => {
    const { client } = managed
    const bomb = forged('index.mjs', { content: Buffer.alloc(50_000_000), says: 10 })
    await expect(create(client, { ...(await nodeFunction('bomb', '')), Code: { ZipFile: bomb } })).rejects.toThrow(
      /FAILURE|damaged|too many bytes/,
    )
  })

  it('for no component in it, where one is needed', async () => {
    expect(
      await refusal(await zipOf({ 'readme.txt': 'x' }), {
        Runtime: 'provided.al2023',
        Handler: 'x',
      }),
    ).toMatch(/no WebAssembly component or core module/)
    expect(
      await refusal(await zipOf({ 'a.wasm': 'x', 'b.wasm': 'x' }), {
        Runtime: 'provided.al2023',
        Handler: 'x',
      }),
    ).toMatch(/2 WebAssembly files/)
  })
})
