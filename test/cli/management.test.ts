import { DeleteFunctionCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKeys } from '../../src/identity/key-folder.ts'
import { create, invoke, nodeFunction, removeFolders, temporaryFolder, zipOf } from '../gateway/management/host.ts'
import { run } from './ampoule.ts'
import { Managed } from './managed.ts'

const SOURCE = `
export const handler = async (event) => {
  console.log('ran', event?.say)
  if (event?.fail) throw new RangeError('too far')
  return { version: process.env.AWS_LAMBDA_FUNCTION_VERSION, who: process.env.WHO, event }
}
`

let managed: Managed
beforeAll(async () => {
  managed = await Managed.start()
  await create(managed.host.client, await nodeFunction('fn', SOURCE, { Environment: { Variables: { WHO: 'Ada', OTHER: 'x' } } }))
})
afterAll(async () => {
  await managed.close()
  await removeFolders()
})

const lines = (text: string): string[] => text.trimEnd().split('\n')

describe('ampoule function', () => {
  test('lists all pages of functions in columns that fit into 80, and as the API has them with --json', async () => {
    const names = Array.from({ length: 55 }, (_, index) => `many-${index}`)
    const one = await nodeFunction('', SOURCE)
    await Promise.all(names.map((name) => create(managed.host.client, { ...one, FunctionName: name })))
    const listed = lines(await managed.says('function list'))
    expect(listed[0]).toMatch(/^NAME +RUNTIME +MEMORY +TIMEOUT +STATE +CHANGED$/)
    expect(listed).toContainEqual(expect.stringMatching(/^fn +nodejs22\.x +128 MB +3 s +Active +\d{4}-\d\d-\d\d \d\d:\d\d$/))
    expect(listed).toHaveLength(names.length + 2)
    expect(listed.filter((line) => line.length > 80)).toEqual([])
    const { Functions } = await managed.json<{ Functions: { FunctionName: string }[] }>('function list')
    expect(Functions.map(({ FunctionName }) => FunctionName).toSorted()).toEqual(['fn', ...names].toSorted())
    await Promise.all(names.map((name) => managed.host.client.send(new DeleteFunctionCommand({ FunctionName: name }))))
  })

  test('shows a function without the values of its variables, which --json has', async () => {
    const shown = await managed.says('function show fn')
    expect(shown).toMatch(/^name +fn\nversion +\$LATEST\narn +arn:aws:lambda:us-east-1:000000000000:function:fn\nstate +Active\n/)
    expect(shown).toMatch(/^environment +WHO, OTHER$/m)
    expect(shown).not.toContain('Ada')
    expect(await managed.json('function show fn')).toMatchObject({
      Configuration: { FunctionName: 'fn', Environment: { Variables: { WHO: 'Ada' } } },
    })
  })

  test('update changes what is given and leaves the rest, and it counts when the command ends', async () => {
    const line = ['function', 'update', 'fn', '--memory-mb', '256', '--env', 'WHO=Grace', '--remove-env', 'OTHER']
    expect(await managed.json([...line, '--description', 'a = b'])).toMatchObject({
      MemorySize: 256,
      Timeout: 3,
      Description: 'a = b',
      Environment: { Variables: { WHO: 'Grace' } },
      LastUpdateStatus: 'Successful',
    })
    expect((await invoke(managed.host.client, 'fn')).value).toMatchObject({ who: 'Grace' })
  })

  test.each([
    ['without anything to change', 'function update fn', 2, 'there is nothing to change: give --memory-mb'],
    [
      'with memory out of bounds',
      'function update fn --memory-mb 64',
      2,
      '--memory-mb is "64": it must be an integer from 128 to 4096',
    ],
    ['with a variable without a value', 'function update fn --env WHO', 2, '--env is "WHO": it must be NAME=VALUE'],
    ['with a layer without a version', 'function update fn --layer a', 2, '--layer is "a": it must be LAYER:VERSION'],
    [
      'of a function that there is not',
      'function update fm --timeout-s 4',
      4,
      'there is no function "fm" on the host. Did you mean "fn"?',
    ],
    [
      'of a version that there is not',
      'function show fn:7',
      4,
      'Function not found: arn:aws:lambda:us-east-1:000000000000:function:fn:7',
    ],
    ['by a word that is not known', 'function lst', 2, 'unknown command "function lst". Did you mean "function list"?'],
    ['by no word', 'function', 2, '"function" needs a command'],
  ])('is refused %s', async (_, line, code, message) => {
    const refused = await managed.ampoule(line)
    expect(refused.stderr).toContain(message)
    expect(refused).toMatchObject({ code, stdout: '' })
  })

  test('delete takes a function away', async () => {
    await create(managed.host.client, await nodeFunction('gone', SOURCE))
    expect(await managed.says('function delete gone')).toBe('gone is deleted\n')
    expect((await managed.ampoule('function delete gone')).code).toBe(4)
  })

  test('--help shows the commands of the group', async () => {
    const { code, stdout } = await run(['function', '--help'])
    expect(code).toBe(0)
    for (const name of ['list', 'show NAME', 'update NAME', 'delete NAME']) expect(stdout).toContain(`  function ${name}`)
  })
})

describe('ampoule version and ampoule alias', () => {
  test('publish versions, lead a name to them by weight, move it and take it away', async () => {
    await create(managed.host.client, await nodeFunction('app', SOURCE))
    expect(await managed.says('alias list app')).toBe('app has no aliases.\n')
    expect(await managed.json('version publish app')).toMatchObject({ Version: '1' })
    await managed.says('function update app --timeout-s 4')
    expect(await managed.says(['version', 'publish', 'app', '--description', 'the second'])).toBe('app has version 2\n')
    expect(lines(await managed.says('version list app'))).toEqual([
      expect.stringMatching(/^VERSION +STATE +CHANGED +CODE +DESCRIPTION$/),
      expect.stringMatching(/^\$LATEST +Active /),
      expect.stringMatching(/^1 +Active /),
      expect.stringMatching(/^2 +Active .* the second$/),
    ])
    expect(await managed.says('alias create app live 1 --weights 2=0.1')).toBe('app:live leads to 1 (90 %), 2 (10 %)\n')
    expect(lines(await managed.says('alias list app'))[1]).toMatch(/^live +1 \(90 %\), 2 \(10 %\)$/)
    expect(await managed.json('alias update app live 2 --weights none')).toMatchObject({ Name: 'live', FunctionVersion: '2' })
    expect((await invoke(managed.host.client, 'app:live')).version).toBe('2')
    const held = await managed.ampoule('version delete app 2')
    expect(held).toMatchObject({ code: 2, stderr: expect.stringContaining('aliases reference it') as string })
    await managed.says('alias delete app live')
    expect(await managed.says('version delete app 2')).toBe('version 2 of app is deleted\n')
    expect(await managed.json<object>('alias list app')).toEqual({ Aliases: [] })
  })

  test.each([
    ['a part above 1', 'alias create fn live 1 --weights 2=1.5', 2, '--weights is "2=1.5": it must be VERSION=PART'],
    ['nothing to change', 'alias update fn live', 2, 'there is nothing to change'],
    ['a version that there is not', 'alias create fn live 9', 4, '9'],
    ['an alias that there is not', 'alias update fn nowhere 1', 4, 'nowhere'],
    ['a version that is missing in the command', 'alias create fn live', 2, 'VERSION is missing'],
  ])('refuse %s', async (_, line, code, message) => {
    const refused = await managed.ampoule(line)
    expect(refused.stderr).toContain(message)
    expect(refused).toMatchObject({ code, stdout: '' })
  })
})

describe('ampoule layer', () => {
  test('publishes a folder or a zip, which functions then have, and deletes versions', async () => {
    const index = 'export const word = () => "from a layer"'
    const manifest = '{"name":"words","type":"module","main":"index.js"}'
    const files = { 'nodejs/node_modules/words/index.js': index, 'nodejs/node_modules/words/package.json': manifest }
    const folder = await managed.folder({ ...files, '../layer.zip': await zipOf(files) })
    const { stdout, stderr } = await managed.ampoule(['layer', 'publish', 'words', folder, '--runtime', 'nodejs24.x'])
    expect(stdout).toMatch(/^words:1 \(\d+ B\)\n$/)
    expect(stderr).toMatch(/^uploading words \(\d+ B\) …\nnext: ampoule function update NAME --layer words:1\n$/)
    expect(await managed.json(['layer', 'publish', 'words', `${folder}/../layer.zip`])).toMatchObject({ Version: 2 })
    expect(lines(await managed.says('layer list'))[1]).toMatch(/^words:2 /)
    expect(lines(await managed.says('layer list words')).map((line) => line.split(' ')[0])).toEqual([
      'LAYER',
      'words:2',
      'words:1',
    ])
    const source = "import { word } from 'words'\nexport const handler = () => word()"
    const layers = ['arn:aws:lambda:us-east-1:000000000000:layer:words:1']
    await create(managed.host.client, await nodeFunction('wordy', source, { Layers: layers }))
    await managed.says('function update wordy --layer words:2')
    expect((await invoke(managed.host.client, 'wordy')).value).toBe('from a layer')
    await managed.says('layer delete words 1')
    expect(await managed.json('layer list words')).toMatchObject({ LayerVersions: [{ Version: 2 }] })
  })

  test.each([
    ['a path that there is not', 'layer publish words /nowhere', 2, 'cannot read /nowhere'],
    ['a version that is no number', 'layer delete words latest', 2, 'as "ampoule layer list words" shows it'],
  ])('refuses %s', async (_, line, code, message) => {
    const refused = await managed.ampoule(line)
    expect(refused.stderr).toContain(message)
    expect(refused.code).toBe(code)
  })
})

describe('ampoule concurrency', () => {
  test('shows, reserves and gives back what functions have, and keeps instances ready', async () => {
    await create(managed.host.client, await nodeFunction('busy', SOURCE))
    expect(await managed.says('concurrency show')).toMatch(/^at once +1000\nnot reserved +1000\n$/)
    await managed.says('concurrency set busy 3')
    await managed.says('version publish busy')
    expect(await managed.json('concurrency provision busy 1 2')).toMatchObject({
      Status: 'READY',
      AllocatedProvisionedConcurrentExecutions: 2,
    })
    const shown = await managed.says('concurrency show busy')
    expect(shown).toMatch(/^at once +3\nreserved +3\n\nPROVISIONED +READY +STATUS +REASON\n1 +2 of 2 +READY\n$/)
    expect(await managed.json('concurrency show busy')).toMatchObject({
      ReservedConcurrentExecutions: 3,
      ProvisionedConcurrencyConfigs: [{ RequestedProvisionedConcurrentExecutions: 2 }],
    })
    await managed.says('concurrency provision busy 1 0')
    await managed.says('concurrency reset busy')
    expect(await managed.json('concurrency show busy')).toEqual({ ProvisionedConcurrencyConfigs: [] })
  })

  test.each([
    ['no number', 'concurrency set fn many', 2, 'N is "many": it must be a number from 0 on'],
    ['more than the host has', 'concurrency set fn 1000', 2, 'below its minimum value of [100]'],
    ['instances of $LATEST', 'concurrency provision fn $LATEST 1', 2, 'cannot be applied to unpublished function versions'],
  ])('refuses %s', async (_, line, code, message) => {
    const refused = await managed.ampoule(line)
    expect(refused.stderr).toContain(message)
    expect(refused.code).toBe(code)
  })
})

describe('ampoule url', () => {
  const source = 'export default { fetch: () => new Response("served") }'

  test('gives a function an address, for everybody with --public, and takes it away', async () => {
    await create(managed.host.client, await nodeFunction('site', source, { Handler: 'index.default' }))
    const url = (await managed.says('url create site --public')).trim()
    expect(await (await fetch(throughPath(url))).text()).toBe('served')
    expect(await managed.says('url show site')).toMatch(/^url +http:.*\naccess +whom the policy allows\n/)
    expect(await managed.says('function show site')).toContain(url)
    expect((await managed.ampoule('url create site')).stderr).toContain('exists')
    await managed.says('url delete site')
    expect((await fetch(throughPath(url))).status).toBe(404)
    const closed = await managed.json<{ AuthType: string; FunctionUrl: string }>('url create site')
    expect(closed.AuthType).toBe('AWS_IAM')
    expect((await fetch(throughPath(closed.FunctionUrl))).status).toBe(403)
  })

  test('has nothing to show of a function without one', async () => {
    expect(await managed.ampoule('url show fn')).toMatchObject({ code: 4, stdout: '' })
  })

  /** Names below localhost are not known everywhere. */
  function throughPath(url: string): string {
    const { hostname, port } = new URL(url)
    return `http://127.0.0.1:${port}/_ampoule/url/${hostname.split('.')[0]}/`
  }
})

describe('ampoule invoke --remote', () => {
  test('runs the function on the host and prints what it answers', async () => {
    const text = await managed.says(['invoke', 'fn', '--remote', '--data', '{"é":[1]}'])
    expect(JSON.parse(text)).toMatchObject({ version: '$LATEST', event: { é: [1] } })
    expect(JSON.parse(await managed.says('invoke fn --remote --data -', { stdin: '"in"' }))).toMatchObject({ event: 'in' })
  })

  test('prints the end of the log with --log, apart from the answer', async () => {
    const { code, stdout, stderr } = await managed.ampoule(['invoke', 'fn', '--log', '--data', '{"say":"hi"}'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^START RequestId: .*\nran hi\nEND RequestId: .*\nREPORT RequestId: .*\n$/)
    expect(JSON.parse(stdout)).toMatchObject({ event: { say: 'hi' } })
    expect(await managed.json(['invoke', 'fn', '--log', '--data', '{"say":"hi"}'])).toMatchObject({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      LogResult: expect.stringContaining('ran hi\n') as string,
      Payload: { event: { say: 'hi' } },
    })
  })

  test('ends with 1 and the stack when the function fails', async () => {
    const { code, stdout, stderr } = await managed.ampoule(['invoke', 'fn', '--remote', '--data', '{"fail":true}'])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^ampoule: RangeError: too far\n {2}at handler \(\/var\/task\/index\.mjs:4:\d+\)\n$/)
    const json = await managed.ampoule(['invoke', 'fn', '--remote', '--json', '--data', '{"fail":true}'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ FunctionError: 'Unhandled', Payload: { errorType: 'RangeError' } })
  })

  test('with --async is accepted and does not wait', async () => {
    expect(await managed.says('invoke fn --remote --async')).toBe('accepted\n')
    expect(await managed.json('invoke fn --async')).toEqual({ StatusCode: 202 })
  })

  test.each([
    ['a log that nobody waits for', 'invoke fn --async --log', 2, '--log is for an answer that is waited for'],
    ['messages of a queue', 'invoke fn --remote --event queue', 2, '--event queue is for functions in this process'],
    ['a function that there is not', 'invoke fm --remote', 4, 'Did you mean "fn"?'],
    ['what is no JSON', 'invoke fn --remote --data {', 2, '--data is not JSON'],
  ])('refuses %s', async (_, line, code, message) => {
    const refused = await managed.ampoule(line)
    expect(refused.stderr).toContain(message)
    expect(refused).toMatchObject({ code, stdout: '' })
  })
})

describe('a host that wants signatures', () => {
  let signed: Managed
  let key: { readonly AWS_ACCESS_KEY_ID: string; readonly AWS_SECRET_ACCESS_KEY: string }
  beforeAll(async () => {
    const dataDir = await temporaryFolder()
    const keys = await openKeys(dataDir, undefined)
    const { id, secret } = await keys.create()
    await keys.close()
    key = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret }
    signed = await Managed.start({ dataDir, managementAccess: 'signed' })
  })
  afterAll(() => signed.close())

  test('is asked with the key of the environment, for every kind of request', async () => {
    const folder = await signed.folder({ 'fn.ts': 'export const handler = (event: unknown) => event' })
    const env = { ...key, AWS_REGION: 'eu-west-1' }
    await signed.says(['deploy', `${folder}/fn.ts`, '--alias', 'live'], { env })
    expect(await signed.says(['invoke', 'fn:live', '--remote', '--data', '"é"'], { env })).toBe('"é"\n')
    expect(await signed.json('function list', { env })).toMatchObject({ Functions: [{ FunctionName: 'fn' }] })
    await signed.says('function show arn:aws:lambda:us-east-1:000000000000:function:fn:live', { env })
  })

  test.each([
    ['without a key', {}, 'MissingAuthenticationTokenException'],
    [
      'with a key that it has not',
      { AWS_ACCESS_KEY_ID: 'AMPKBBBBBBBBBBBBBBBB', AWS_SECRET_ACCESS_KEY: 'x' },
      'UnrecognizedClientException',
    ],
  ])('is refused by it %s, and the message says where keys come from', async (_, env, type) => {
    const { code, stderr } = await signed.ampoule('function list', { env })
    expect(code).toBe(2)
    expect(stderr).toContain(`(${type}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an access key of the host`)
    expect(stderr).toContain('ampoule key create')
  })

  test('does not see the secret in a message', async () => {
    const env = { ...key, AWS_SECRET_ACCESS_KEY: 'not-the-secret-of-the-key' }
    const { code, stderr } = await signed.ampoule('function list', { env })
    expect(code).toBe(2)
    expect(stderr).toContain('InvalidSignatureException')
    expect(stderr).not.toContain('not-the-secret')
  })
})

test('commands for a host that does not run end with 8 and say how to start one', async () => {
  const { code, stdout, stderr } = await run(['function', 'list', '--endpoint', 'http://127.0.0.1:1'])
  expect({ code, stdout }).toEqual({ code: 8, stdout: '' })
  expect(stderr).toMatch(
    /^ampoule: there is no host at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\): start one with "ampoule serve --data DIR"[^\n]*\n$/,
  )
})
