import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  paginateListFunctions,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guest } from '../../guests/index.ts'
import { readFile } from 'node:fs/promises'
import { create, invoke, nodeFunction, removeFolders, ROLE, startManaged, zipOf, type ManagedHost } from './host.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const failing = (name: string, fields: object) => expect.objectContaining({ name, ...fields }) as unknown

describe('CreateFunction', () => {
  it('makes a function of a zip with an index.mjs, pending at first and active soon', async () => {
    const { client } = managed
    const created = await create(client, await nodeFunction('hello', 'export const handler = async (event) => ({ got: event })'))
    expect(created).toMatchObject({
      FunctionArn: `${ARN}:hello`,
      State: 'Pending',
      StateReasonCode: 'Creating',
      Version: '$LATEST',
      MemorySize: 128,
      Timeout: 3,
      PackageType: 'Zip',
      Architectures: ['x86_64'],
      $metadata: { httpStatusCode: 201 },
    })
    expect(await invoke(client, 'hello', { a: [1, 'ü'] })).toMatchObject({
      status: 200,
      value: { got: { a: [1, 'ü'] } },
      error: undefined,
    })
  })

  it('takes CommonJS, TypeScript, folders and packages of the zip', async () => {
    const { client } = managed
    await create(
      client,
      await nodeFunction('cjs', {
        'index.js': 'exports.handler = async () => require("./lib.js").answer',
        'lib.js': 'exports.answer = 42',
      }),
    )
    await create(client, {
      ...(await nodeFunction('typed', {
        'src/main.ts': 'import { shout } from "loud"\nexport const run = (e: { word: string }): string => shout(e.word)',
        'node_modules/loud/package.json': '{"name":"loud","main":"index.js"}',
        'node_modules/loud/index.js': 'exports.shout = (text) => text.toUpperCase()',
      })),
      Handler: 'src/main.run',
    })
    await create(client, {
      ...(await nodeFunction('app', 'export default { fetch: () => new Response("web") }')),
      Handler: 'index.default',
    })
    expect((await invoke(client, 'cjs')).value).toBe(42)
    expect((await invoke(client, 'typed', { word: 'hi' })).value).toBe('HI')
  })

  it('makes a function of a component and of a core module', async () => {
    const { client } = managed
    const common = { Role: ROLE, Runtime: 'provided.al2023' as const, Handler: 'bootstrap' }
    const component = await zipOf({ 'bootstrap.wasm': await guest('echo') })
    const core = await zipOf({ 'function.wasm': await readFile(new URL('../../guests/c/echo.core.wasm', import.meta.url)) })
    await create(client, { ...common, FunctionName: 'component', Code: { ZipFile: component } })
    await create(client, { ...common, FunctionName: 'core', Code: { ZipFile: core } })
    expect((await invoke(client, 'component', { x: 1 })).value).toEqual({ x: 1 })
    expect((await invoke(client, 'core', [true])).value).toEqual([true])
  })

  it('gives functions their environment, sealed on disk, and tells them who they are', async () => {
    const { client, folder } = managed
    const source =
      'export const handler = (event, context) => ({ env: process.env, version: context.functionVersion, arn: context.invokedFunctionArn })'
    await create(
      client,
      await nodeFunction('env', source, { Environment: { Variables: { SECRET: 'hunter2-hunter2' } }, MemorySize: 256 }),
    )
    expect((await invoke(client, 'env')).value).toMatchObject({
      env: {
        SECRET: 'hunter2-hunter2',
        AWS_REGION: 'us-east-1',
        AWS_LAMBDA_FUNCTION_NAME: 'env',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        _HANDLER: 'index.handler',
      },
      version: '$LATEST',
      arn: `${ARN}:env`,
    })
    for (const file of ['ampoule.sqlite', 'ampoule.sqlite-wal'])
      expect((await readFile(`${folder}/${file}`)).includes('hunter2-hunter2')).toBe(false)
  })

  it('publishes a version at once when asked to', async () => {
    const { client } = managed
    const created = await create(client, await nodeFunction('published', 'export const handler = () => "v1"', { Publish: true }))
    expect(created).toMatchObject({ Version: '1', FunctionArn: `${ARN}:published:1` })
    await waitUntilFunctionActiveV2(
      { client, maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.1 },
      { FunctionName: 'published', Qualifier: '1' },
    )
    expect(await invoke(client, 'published', undefined, { Qualifier: '1' })).toMatchObject({ value: 'v1', version: '1' })
  })

  it('refuses a name that is taken', async () => {
    const { client } = managed
    const input = await nodeFunction('hello', 'export const handler = () => 1')
    await expect(client.send(new CreateFunctionCommand(input))).rejects.toEqual(
      failing('ResourceConflictException', { message: 'Function already exist: hello', $fault: 'client' }),
    )
  })

  it.each([
    ['a syntax error', 'export const handler = (', /InvalidConfiguration|\/var\/task\/index\.mjs:1/],
    ['a top level that throws', 'throw new TypeError("not today")', /\/var\/task\/index\.mjs:1:\d+: TypeError: not today/],
    [
      'an export that is missing',
      'export const other = 1',
      /Runtime\.HandlerNotFound: index\.handler is undefined or not exported/,
    ],
    [
      'an import that is missing',
      'import "nowhere"\nexport const handler = () => 1',
      /\/var\/task\/index\.mjs:1:\d+: Could not resolve 'nowhere'/,
    ],
  ])(
    'says in the state why a function with %s has failed, with the place and without this machine',
    async (what, source, reason) => {
      const { client, folder } = managed
      const name = what.replaceAll(' ', '-')
      const input = await nodeFunction(name, source)
      await expect(create(client, input)).rejects.toThrow('FAILURE')
      const { Configuration } = await client.send(new GetFunctionCommand({ FunctionName: name }))
      expect(Configuration?.State).toBe('Failed')
      expect(Configuration?.StateReason).toMatch(reason)
      expect(Configuration?.StateReason).not.toContain(folder)
      await expect(invoke(client, name)).rejects.toEqual(failing('ResourceConflictException', {}))
    },
  )

  it.each(['/etc/hostname', '../../../../../../../../etc/hostname', 'typescript'])(
    'bundles nothing that is outside of the zip: %s',
    async (path) => {
      const { client } = managed
      const name = `outside-${path.length}`
      const source = `import * as stolen from ${JSON.stringify(path)}\nexport const handler = () => Object.keys(stolen)`
      await expect(create(client, await nodeFunction(name, source))).rejects.toThrow('FAILURE')
      const { StateReason } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
      expect(StateReason).toContain(`Could not resolve '${path}'`)
    },
  )
})

describe('GetFunction', () => {
  it.each([
    'hello',
    '000000000000:function:hello',
    'us-east-1:000000000000:function:hello',
    `${ARN}:hello`,
    'function:hello',
    'hello:$LATEST',
    `${ARN}:hello:$LATEST`,
  ])('finds a function by %s', async (FunctionName) => {
    const { Configuration } = await managed.client.send(new GetFunctionCommand({ FunctionName }))
    expect(Configuration?.FunctionName).toBe('hello')
    expect(Configuration?.CodeSha256).toMatch(/^[A-Za-z0-9+/]{43}=$/)
  })

  it.each([
    [{ FunctionName: 'nowhere' }, 'ResourceNotFoundException', `Function not found: ${ARN}:nowhere`],
    [{ FunctionName: 'hello', Qualifier: '7' }, 'ResourceNotFoundException', `Function not found: ${ARN}:hello:7`],
    [{ FunctionName: 'hello', Qualifier: 'live' }, 'ResourceNotFoundException', `Function not found: ${ARN}:hello:live`],
    [
      { FunctionName: 'hello:1', Qualifier: '2' },
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    ],
    [
      { FunctionName: 'arn:aws:lambda:eu-west-1:000000000000:function:hello' },
      'ResourceNotFoundException',
      'this host is us-east-1',
    ],
    [
      { FunctionName: 'no spaces' },
      'ValidationException',
      "1 validation error detected: Value 'no spaces' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ",
    ],
  ])('answers %o with %s', async (input, name, message) => {
    await expect(managed.client.send(new GetFunctionCommand(input))).rejects.toEqual(
      failing(name, { message: expect.stringContaining(message) as string }),
    )
  })
})

describe('ListFunctions', () => {
  it('gives all functions page by page, in order, and each version with ALL', async () => {
    const { client } = managed
    const names: (string | undefined)[] = []
    for await (const { Functions = [] } of paginateListFunctions({ client, pageSize: 2 }, {})) {
      expect(Functions.length).toBeLessThanOrEqual(2)
      names.push(...Functions.map(({ FunctionName }) => FunctionName))
    }
    expect(names).toEqual(names.toSorted((a = '', b = '') => (a < b ? -1 : 1)))
    expect(names).toEqual(expect.arrayContaining(['hello', 'cjs', 'published']))
    const all: string[] = []
    for await (const { Functions = [] } of paginateListFunctions({ client, pageSize: 3 }, { FunctionVersion: 'ALL' }))
      all.push(...Functions.map(({ FunctionName, Version }) => `${FunctionName}:${Version}`))
    expect(all).toEqual(expect.arrayContaining(['published:$LATEST', 'published:1']))
    expect(all.length).toBe(new Set(all).size)
    expect(all.length).toBe(names.length + 1)
  })
})

describe('DeleteFunction', () => {
  it('removes a function, its versions, its code and its place in the lanes', async () => {
    const { client } = managed
    await create(client, await nodeFunction('doomed', 'export const handler = () => "alive"', { Publish: true }))
    expect((await invoke(client, 'doomed')).value).toBe('alive')
    const { $metadata } = await client.send(new DeleteFunctionCommand({ FunctionName: 'doomed' }))
    expect($metadata.httpStatusCode).toBe(204)
    for (const Qualifier of [undefined, '1'])
      await expect(invoke(client, 'doomed', undefined, { Qualifier })).rejects.toEqual(failing('ResourceNotFoundException', {}))
    await create(client, await nodeFunction('doomed', 'export const handler = () => "again"'))
    expect((await invoke(client, 'doomed')).value).toBe('again')
  })

  it('refuses what is not there, and $LATEST alone', async () => {
    const { client } = managed
    await expect(client.send(new DeleteFunctionCommand({ FunctionName: 'nowhere' }))).rejects.toEqual(
      failing('ResourceNotFoundException', {}),
    )
    await expect(client.send(new DeleteFunctionCommand({ FunctionName: 'hello', Qualifier: '$LATEST' }))).rejects.toEqual(
      failing('InvalidParameterValueException', { message: '$LATEST version cannot be deleted without deleting the function.' }),
    )
  })
})
