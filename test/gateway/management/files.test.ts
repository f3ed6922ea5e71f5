import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PublishLayerVersionCommand, UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guest } from '../../guests/index.ts'
import {
  create,
  invoke,
  nodeFunction,
  removeFolders,
  ROLE,
  startManaged,
  updated,
  zipOf,
  type Files,
  type ManagedHost,
} from './host.ts'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const publish = async (LayerName: string, files: Files): Promise<string> => {
  const command = new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: await zipOf(files) } })
  return (await managed.client.send(command)).LayerVersionArn ?? ''
}

describe('a function in JavaScript', () => {
  it('reads the files beside it, however it names them, and those of its layers, the later over the earlier', async () => {
    const { client } = managed
    const Layers = [
      await publish('data-one', { 'data/both.txt': 'one', 'data/first.txt': 'first' }),
      await publish('data-two', { 'data/both.txt': 'two', 'bin/tool': new Uint8Array(100_000).fill(7) }),
    ]
    const source = `
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { nearby } from './lib/nearby.cjs'
const atTheTop = readFileSync(new URL('./page.html', import.meta.url), 'utf8')
export const handler = async () => ({
  atTheTop,
  byFolder: readFileSync(path.join(import.meta.dirname, 'page.html'), 'utf8'),
  byUrl: readFileSync(fileURLToPath(new URL('lib/words.txt', import.meta.url)), 'utf8'),
  byRoot: await readFile(process.env.LAMBDA_TASK_ROOT + '/page.html', 'utf8'),
  relative: readFileSync('page.html', 'utf8'),
  nearby: nearby(),
  layers: [readFileSync('/opt/data/both.txt', 'utf8'), readFileSync('/opt/data/first.txt', 'utf8')],
  large: readFileSync('/opt/bin/tool').every((byte) => byte === 7) && statSync('/opt/bin/tool').size,
  listed: [readdirSync('/opt', { recursive: true }), readdirSync('/var/task')],
})`
    await create(
      client,
      await nodeFunction(
        'reader',
        {
          'index.mjs': source,
          'page.html': '<h1>page</h1>',
          'lib/words.txt': 'words',
          'lib/nearby.cjs': `const { readFileSync } = require('fs')
exports.nearby = () => readFileSync(__dirname + '/words.txt', 'utf8') + ' of ' + __filename`,
        },
        { Layers },
      ),
    )
    const page = '<h1>page</h1>'
    const expected = {
      atTheTop: page,
      byFolder: page,
      byUrl: 'words',
      byRoot: page,
      relative: page,
      nearby: 'words of /var/task/lib/nearby.cjs',
      layers: ['two', 'first'],
      large: 100_000,
      listed: [
        ['bin', 'bin/tool', 'data', 'data/both.txt', 'data/first.txt'],
        ['index.mjs', 'lib', 'page.html'],
      ],
    }
    // Again, in an instance that was restored.
    for (let round = 0; round < 3; round++) expect((await invoke(client, 'reader')).value).toEqual(expected)
  })

  it('cannot change, make or leave anything there, and has /tmp for that', async () => {
    const { client } = managed
    const Layers = [await publish('fixed', { 'a/file.txt': 'as it was' })]
    const source = `
import * as fs from 'node:fs'
const attempt = (run) => { try { return String(run()) } catch (error) { return error.code ?? String(error) } }
export const handler = () => [
  () => fs.writeFileSync('/opt/a/file.txt', 'changed'),
  () => fs.appendFileSync('/opt/a/file.txt', 'more'),
  () => fs.writeFileSync('/opt/new', 'new'),
  () => fs.writeFileSync('/var/task/index.mjs', 'new'),
  () => fs.mkdirSync('/opt/folder'),
  () => fs.mkdirSync('/opt/folder/deep', { recursive: true }),
  () => fs.unlinkSync('/opt/a/file.txt'),
  () => fs.rmSync('/opt/a', { recursive: true }),
  () => fs.renameSync('/opt/a/file.txt', '/tmp/file.txt'),
  () => fs.renameSync('/opt/a', '/opt/b'),
  () => (fs.writeFileSync('/tmp/mine', 'x'), fs.renameSync('/tmp/mine', '/opt/mine')),
  () => fs.readFileSync('/opt/../etc/passwd'),
  () => fs.readFileSync('/opt/a/../../../etc/passwd'),
  () => fs.readFileSync('/etc/passwd'),
  () => fs.readFileSync('/proc/self/environ'),
  () => fs.readFileSync('/opt/a/file.txt', 'utf8'),
  () => fs.readdirSync('/tmp'),
].map(attempt)`
    await create(client, await nodeFunction('writer', source, { Layers }))
    const readOnly = Array.from({ length: 11 }, () => 'EROFS')
    const absent = Array.from({ length: 4 }, () => 'ENOENT')
    for (let round = 0; round < 2; round++)
      expect((await invoke(client, 'writer')).value).toEqual([...readOnly, ...absent, 'as it was', 'mine'])
  })

  it('has its files again from the next host, and when they are gone from the data folder', async () => {
    const { folder } = managed
    const Layers = [await publish('lasting', { 'data.txt': 'what lasts' })]
    const source = `import { readFileSync } from 'node:fs'\nexport const handler = () => readFileSync('/opt/data.txt', 'utf8')`
    await create(managed.client, await nodeFunction('lasting', source, { Layers }))
    for (const before of [() => undefined, async () => rm(await find(folder, 'what lasts'))]) {
      await managed.stop()
      await before()
      managed = await startManaged({ dataDir: folder })
      expect((await invoke(managed.client, 'lasting')).value).toBe('what lasts')
    }
  })

  it('is told of a file that is not what it was, and gets nothing of it', async () => {
    const { folder, client } = managed
    const source = `import { readFileSync } from 'node:fs'
export const handler = () => { try { return readFileSync('data.txt', 'utf8') } catch (error) { return error.code } }`
    await create(client, await nodeFunction('damaged', { 'index.mjs': source, 'data.txt': 'what is damaged' }))
    const path = await find(folder, 'what is damaged')
    await writeFile(path, (await readFile(path, 'latin1')).replace('what is', 'what was'), 'latin1')
    expect((await invoke(client, 'damaged')).value).toBe('EIO')
  })

  it('goes on reading its files when its code is replaced while it runs', async () => {
    const { client } = managed
    const slow = `import { readFileSync } from 'node:fs'
export const handler = async (event) => {
  for (let read = 0; read < 20; read++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (readFileSync('data.txt', 'utf8') !== event) return 'another'
  }
  return 'the same'
}`
    const zip = (data: string) => zipOf({ 'index.mjs': slow, 'data.txt': data })
    await create(client, { ...(await nodeFunction('replaced', '')), Code: { ZipFile: await zip('first') } })
    const running = [invoke(client, 'replaced', 'first'), invoke(client, 'replaced', 'first')]
    await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'replaced', ZipFile: await zip('second') }))
    await updated(client, 'replaced')
    for (const { value } of await Promise.all(running)) expect(value).toBe('the same')
    expect((await invoke(client, 'replaced', 'second')).value).toBe('the same')
  })

  it('knows its place by the variables that Lambda sets', async () => {
    const { client } = managed
    const source = `export const handler = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'OWN'))`
    await create(client, await nodeFunction('placed', source, { MemorySize: 256, Environment: { Variables: { OWN: '1' } } }))
    expect((await invoke(client, 'placed')).value).toEqual({
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_LAMBDA_FUNCTION_NAME: 'placed',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/placed',
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: '/var/task',
      TZ: ':UTC',
      _HANDLER: 'index.handler',
    })
  })
})

describe('a component', () => {
  it('reads its own files and those of its layers', async () => {
    const { client } = managed
    const Layers = [await publish('for-components', { 'words.txt': 'from the layer', 'a/b': '' })]
    const ZipFile = await zipOf({ 'bootstrap.wasm': await guest('reader-quickjs'), 'own.txt': 'from the function' })
    await create(client, {
      FunctionName: 'component-reader',
      Runtime: 'provided.al2023',
      Handler: 'bootstrap',
      Role: ROLE,
      Layers,
      Code: { ZipFile },
    })
    expect((await invoke(client, 'component-reader', ['/opt/words.txt', '/var/task/own.txt'])).value).toEqual({
      files: ['from the layer', 'from the function'],
      opt: ['a', 'a/b', 'words.txt'],
      task: ['bootstrap.wasm', 'own.txt'],
    })
  })
})

/** The file of the code store that has this in it. */
async function find(folder: string, text: string): Promise<string> {
  const code = join(folder, 'code')
  for (const path of await readdir(code, { recursive: true })) {
    if (!/[0-9a-f]{64}$/.test(path)) continue
    const bytes = await readFile(join(code, path))
    // The zip has it, too, in the form in which it is packed; the image alone does not begin like one.
    if (bytes.includes(text) && !bytes.subarray(0, 2).equals(Buffer.from('PK'))) return join(code, path)
  }
  throw new Error(`nothing has ${text}`)
}
