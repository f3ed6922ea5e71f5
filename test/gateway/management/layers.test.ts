import { readdir } from 'node:fs/promises'
import {
  AddLayerVersionPermissionCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  DeleteLayerVersionCommand,
  GetFunctionConfigurationCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  GetLayerVersionPolicyCommand,
  ListLayersCommand,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  RemoveLayerVersionPermissionCommand,
  UpdateFunctionConfigurationCommand,
  type PublishLayerVersionCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  create,
  invoke,
  nodeFunction,
  removeFolders,
  startManaged,
  updated,
  zipOf,
  type Files,
  type ManagedHost,
} from './host.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:layer'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const failing = (name: string, message: RegExp) =>
  expect.objectContaining({ name, message: expect.stringMatching(message) as unknown }) as unknown

const publish = async (LayerName: string, files: Files, more: Partial<PublishLayerVersionCommandInput> = {}) =>
  managed.client.send(new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: await zipOf(files) }, ...more }))

const pack = (name: string, value: string): Files => ({
  [`nodejs/node_modules/${name}/package.json`]: JSON.stringify({ name, main: 'index.js' }),
  [`nodejs/node_modules/${name}/index.js`]: `module.exports = ${JSON.stringify(value)}`,
})
const USES = (...names: string[]) =>
  `${names.map((name) => `import ${name} from '${name}'`).join('\n')}\nexport const handler = () => [${names.join(', ')}]`

describe('layers', () => {
  it('bring packages and files below /opt to functions in JavaScript, the later over the earlier, the function’s own before both', async () => {
    const { client } = managed
    const one = await publish('one', { ...pack('first', 'one'), ...pack('both', 'one'), ...pack('own', 'layer') })
    const two = await publish('two', {
      ...pack('both', 'two'),
      'nodejs/lib.mjs': 'import both from "both"\nexport const lib = "lib " + both',
    })
    const Layers = [one.LayerVersionArn ?? '', two.LayerVersionArn ?? '']
    await create(
      client,
      await nodeFunction(
        'layered',
        {
          'index.mjs': `import first from 'first'\nimport both from 'both'\nimport own from 'own'\nimport { lib } from '/opt/nodejs/lib.mjs'
export const handler = () => [first, both, own, lib]`,
          'node_modules/own/package.json': '{"name":"own","main":"index.js"}',
          'node_modules/own/index.js': 'module.exports = "function"',
        },
        { Layers },
      ),
    )
    expect((await invoke(client, 'layered')).value).toEqual(['one', 'two', 'function', 'lib two'])
    const shown = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'layered' }))
    expect(shown.Layers).toEqual([
      { Arn: Layers[0], CodeSize: one.Content?.CodeSize },
      { Arn: Layers[1], CodeSize: two.Content?.CodeSize },
    ])
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'layered', Layers: Layers.toReversed() }))
    await updated(client, 'layered')
    expect((await invoke(client, 'layered')).value).toEqual(['one', 'one', 'function', 'lib one'])
  })

  it('stay for functions that use them when they are deleted, and go with the last of these', async () => {
    const { client, folder } = managed
    const { LayerVersionArn = '' } = await publish('kept', pack('kept', 'still there'))
    const input = await nodeFunction('keeper', USES('kept'), { Layers: [LayerVersionArn] })
    await create(client, input)
    await client.send(new DeleteLayerVersionCommand({ LayerName: 'kept', VersionNumber: 1 }))
    await client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: 'keeper',
        Handler: 'index.handler',
        Description: 'd',
        Layers: [LayerVersionArn],
      }),
    )
    await updated(client, 'keeper')
    expect((await invoke(client, 'keeper')).value).toEqual(['still there'])
    await expect(client.send(new CreateFunctionCommand({ ...input, FunctionName: 'late' }))).rejects.toEqual(
      failing('InvalidParameterValueException', /kept:1 does not exist/),
    )
    const before = await stored(folder)
    await client.send(new DeleteFunctionCommand({ FunctionName: 'keeper' }))
    // The layer's zip, the function's, its script and its source map.
    expect(before.length - (await stored(folder)).length).toBe(4)
    // A number is never given twice.
    expect((await publish('kept', pack('kept', 'new'))).Version).toBe(2)
  })

  it('cannot lead imports out of the function, whatever they say', async () => {
    const { client } = managed
    const { LayerVersionArn = '' } = await publish('outside', {
      'nodejs/lib.mjs': 'import * as passwd from "../../../../../../etc/passwd"\nexport { passwd }',
    })
    for (const [name, path] of [
      ['rooted', '/etc/passwd'],
      ['climbing', '/opt/nodejs/lib.mjs'],
      ['above', '../../../../etc/passwd'],
    ]) {
      const source = `import * as found from '${path}'\nexport const handler = () => found`
      const input = await nodeFunction(name ?? '', source, { Layers: [LayerVersionArn] })
      await expect(create(client, input)).rejects.toThrow(/Failed/)
      const { State, StateReason } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
      expect([name, State, StateReason]).toEqual([name, 'Failed', expect.stringMatching(/passwd/)])
      expect(StateReason).not.toContain('scratch')
    }
  })

  it('are refused where a function cannot have them', async () => {
    const { client } = managed
    const arns: string[] = []
    for (let index = 0; index < 6; index++)
      arns.push((await publish(`limit${index}`, pack(`limit${index}`, '1'))).LayerVersionArn ?? '')
    const attempt = async (Layers: string[]) =>
      client.send(new CreateFunctionCommand(await nodeFunction('refused', 'export const handler = () => 1', { Layers })))
    await expect(attempt(arns)).rejects.toEqual(failing('InvalidParameterValueException', /more than 5 layers/))
    const again = (await publish('limit0', pack('limit0', '2'))).LayerVersionArn ?? ''
    await expect(attempt([arns[0] ?? '', again])).rejects.toEqual(
      failing('InvalidParameterValueException', /Two different versions/),
    )
    await expect(attempt([`${ARN}:none:1`])).rejects.toEqual(failing('InvalidParameterValueException', /none:1 does not exist/))
    await expect(attempt([`arn:aws:lambda:us-east-1:111111111111:layer:limit0:1`])).rejects.toEqual(
      failing('InvalidParameterValueException', /does not exist/),
    )
    await expect(attempt(['limit0'])).rejects.toEqual(failing('ValidationException', /layers/))
  })

  it('have at most 250 MB unpacked, together with the function', async () => {
    const { client } = managed
    const large = { 'data.bin': new Uint8Array(126 * 1024 * 1024) }
    const Layers: string[] = []
    for (const name of ['large-a', 'large-b']) Layers.push((await publish(name, large)).LayerVersionArn ?? '')
    await expect(
      client.send(new CreateFunctionCommand(await nodeFunction('heavy', 'export const handler = () => 1', { Layers }))),
    ).rejects.toEqual(failing('InvalidParameterValueException', /exceeds the maximum allowed size of 262144000 bytes/))
  })
})

describe('layer versions', () => {
  it('are numbered, shown by name and ARN, and listed with the newest first', async () => {
    const { client } = managed
    const first = await publish('listed', pack('a', '1'), {
      Description: 'first',
      CompatibleRuntimes: ['nodejs20.x'],
      LicenseInfo: 'MIT',
    })
    expect(first).toMatchObject({ LayerArn: `${ARN}:listed`, LayerVersionArn: `${ARN}:listed:1`, Version: 1, LicenseInfo: 'MIT' })
    await publish(`${ARN}:listed`, pack('a', '2'), { CompatibleRuntimes: ['nodejs22.x'], CompatibleArchitectures: ['arm64'] })
    const shown = await client.send(new GetLayerVersionCommand({ LayerName: 'listed', VersionNumber: 1 }))
    expect(shown).toMatchObject({ Description: 'first', Content: first.Content, CreatedDate: first.CreatedDate })
    expect(await client.send(new GetLayerVersionByArnCommand({ Arn: `${ARN}:listed:2` }))).toMatchObject({ Version: 2 })
    const list = async (more: object) => client.send(new ListLayerVersionsCommand({ LayerName: 'listed', ...more }))
    expect((await list({})).LayerVersions?.map(({ Version }) => Version)).toEqual([2, 1])
    expect((await list({ CompatibleRuntime: 'nodejs20.x' })).LayerVersions?.map(({ Version }) => Version)).toEqual([1])
    const { LayerVersions, NextMarker } = await list({ MaxItems: 1 })
    expect(LayerVersions).toMatchObject([{ Version: 2 }])
    expect((await list({ MaxItems: 1, Marker: NextMarker })).LayerVersions).toMatchObject([{ Version: 1 }])
    const { Layers } = await client.send(new ListLayersCommand({ CompatibleArchitecture: 'arm64' }))
    expect(Layers).toMatchObject([{ LayerName: 'listed', LatestMatchingVersion: { Version: 2 } }])
    await client.send(new DeleteLayerVersionCommand({ LayerName: 'listed', VersionNumber: 2 }))
    await client.send(new DeleteLayerVersionCommand({ LayerName: 'listed', VersionNumber: 2 }))
    await expect(client.send(new GetLayerVersionCommand({ LayerName: 'listed', VersionNumber: 2 }))).rejects.toEqual(
      failing('ResourceNotFoundException', /does not exist/),
    )
  })

  it('are refused when their zip is none, is empty, or comes from elsewhere', async () => {
    const raw = (Content: PublishLayerVersionCommandInput['Content']) =>
      managed.client.send(new PublishLayerVersionCommand({ LayerName: 'bad', Content }))
    await expect(raw({ ZipFile: new Uint8Array([1, 2, 3]) })).rejects.toEqual(failing('InvalidParameterValueException', /unzip/))
    await expect(raw({ ZipFile: await zipOf({}) })).rejects.toEqual(failing('InvalidParameterValueException', /./))
    await expect(raw({})).rejects.toEqual(failing('InvalidParameterValueException', /source/))
    await expect(raw({ S3Bucket: 'bucket', S3Key: 'key' })).rejects.toEqual(
      failing('InvalidParameterValueException', /S3Bucket.*not supported/),
    )
  })

  it('have policies of their own', async () => {
    const { client } = managed
    await publish('shared', pack('a', '1'))
    const of = { LayerName: 'shared', VersionNumber: 1 }
    const add = (StatementId: string, more: object = {}) =>
      client.send(
        new AddLayerVersionPermissionCommand({
          ...of,
          StatementId,
          Action: 'lambda:GetLayerVersion',
          Principal: '111111111111',
          ...more,
        }),
      )
    await expect(client.send(new GetLayerVersionPolicyCommand(of))).rejects.toEqual(
      failing('ResourceNotFoundException', /No policy/),
    )
    const { RevisionId } = await add('a')
    await add('b', { Principal: '*', OrganizationId: 'o-0123456789', RevisionId })
    await expect(add('c', { RevisionId })).rejects.toEqual(failing('PreconditionFailedException', /./))
    await expect(add('b')).rejects.toEqual(failing('ResourceConflictException', /already exists/))
    const { Policy = '' } = await client.send(new GetLayerVersionPolicyCommand(of))
    expect(JSON.parse(Policy)).toMatchObject({
      Statement: [
        { Sid: 'a', Principal: { AWS: 'arn:aws:iam::111111111111:root' }, Resource: `${ARN}:shared:1` },
        { Sid: 'b', Principal: '*', Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-0123456789' } } },
      ],
    })
    for (const StatementId of ['a', 'b']) await client.send(new RemoveLayerVersionPermissionCommand({ ...of, StatementId }))
    await expect(client.send(new RemoveLayerVersionPermissionCommand({ ...of, StatementId: 'a' }))).rejects.toEqual(
      failing('ResourceNotFoundException', /a is not found/),
    )
  })
})

async function stored(folder: string): Promise<string[]> {
  const all = await readdir(`${folder}/code`, { recursive: true })
  return all.filter((path) => /[0-9a-f]{64}$/.test(path))
}
