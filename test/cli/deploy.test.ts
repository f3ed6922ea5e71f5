import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteFunctionCommand, GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { create, invoke, nodeFunction, removeFolders } from '../gateway/management/host.ts'
import { guest } from '../guests/index.ts'
import { run } from './ampoule.ts'
import { Managed, save } from './managed.ts'

interface Result {
  readonly dryRun: boolean
  readonly functions: readonly {
    readonly name: string
    readonly action: string
    readonly changes: readonly string[]
    readonly version?: string
    readonly url?: string
    readonly codeSha256?: string
    readonly notes: readonly string[]
    readonly reason?: string
  }[]
}

let managed: Managed
beforeAll(async () => {
  managed = await Managed.start()
})
afterAll(async () => {
  await managed.close()
  await removeFolders()
})

/** Each test has functions of its own: they share a host. */
let count = 0
const fresh = (): string => `fn-${count++}`

const value = async (name: string, payload?: unknown): Promise<unknown> =>
  (await invoke(managed.host.client, name, payload)).value

const WHO = `
interface Person {
  readonly name: string
}

export function greet(person: Person): string {
  if (person.name === '') throw new RangeError('nobody')
  return 'Hello, ' + person.name
}
`
const GREETER = `import { greet } from './lib/who.ts'
export const handler = (event: { name?: string }) => greet({ name: event?.name ?? process.env['WHO'] ?? 'you' })
`

/** A project with one function, and what deploys it. */
async function project(settings: object = {}, files: Readonly<Record<string, string>> = {}) {
  const name = fresh()
  const cwd = await managed.folder({
    'src/greet.ts': GREETER,
    'src/lib/who.ts': WHO,
    ...files,
    'ampoule.jsonc': JSON.stringify({ functions: { [name]: { source: './src/greet.ts', ...settings } } }),
  })
  const configure = (next: object): Promise<void> =>
    save(cwd, { 'ampoule.jsonc': JSON.stringify({ functions: { [name]: { source: './src/greet.ts', ...next } } }) })
  const deploy = (...args: readonly string[]) => managed.json<Result>(['deploy', ...args], { cwd })
  return { name, cwd, deploy, configure }
}

const only = ({ functions: [first, ...more] }: Result) => {
  if (first === undefined || more.length > 0) throw new Error('not one function')
  return first
}

describe('ampoule deploy', () => {
  test('makes the functions of the configuration with their settings, and they run when it ends', async () => {
    const { name, deploy } = await project({ memoryMb: 256, timeoutMs: 5000, environment: { WHO: 'Ada' }, concurrency: 7 })
    expect(only(await deploy())).toMatchObject({ name, action: 'created' })
    expect(await value(name)).toBe('Hello, Ada')
    const configuration = await managed.host.client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
    expect(configuration).toMatchObject({ MemorySize: 256, Timeout: 5, State: 'Active', Handler: 'index.handler' })
    expect(await managed.json(`concurrency show ${name}`)).toMatchObject({ ReservedConcurrentExecutions: 7 })
  })

  test('does nothing when nothing has changed, wherever the project lies', async () => {
    const { name, cwd, deploy } = await project({ environment: { WHO: 'Ada', AND: 'Bo' } })
    const { codeSha256 } = only(await deploy())
    const before = await managed.host.client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
    const { stdout, stderr } = await managed.ampoule('deploy', { cwd })
    expect(stdout).toBe(`${name}  unchanged\n`)
    expect(stderr).not.toContain('uploading')
    expect(only(await deploy())).toMatchObject({ action: 'unchanged', changes: [], codeSha256 })
    const moved = await managed.folder({ 'ampoule.jsonc': await readFile(join(cwd, 'ampoule.jsonc')) })
    await save(moved, { 'src/greet.ts': GREETER, 'src/lib/who.ts': WHO })
    expect(only(await managed.json<Result>('deploy', { cwd: moved }))).toMatchObject({ action: 'unchanged', codeSha256 })
    const after = await managed.host.client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
    expect(after.RevisionId).toBe(before.RevisionId)
  })

  test('changes what differs and says what that is', async () => {
    const { name, cwd, deploy, configure } = await project({ environment: { WHO: 'Ada' } })
    await deploy()
    await configure({ memoryMb: 512, environment: { WHO: 'Bo' } })
    expect(only(await deploy('--dry-run'))).toMatchObject({ action: 'updated', changes: ['memory 128 → 512 MB', 'environment'] })
    expect(await value(name)).toBe('Hello, Ada')
    expect(only(await deploy())).toMatchObject({ action: 'updated', changes: ['memory 128 → 512 MB', 'environment'] })
    expect(await value(name)).toBe('Hello, Bo')
    await save(cwd, { 'src/lib/who.ts': WHO.replace('Hello', 'Good day') })
    expect((await managed.ampoule('deploy', { cwd })).stdout).toBe(`${name}  updated (code)\n`)
    expect(await value(name)).toBe('Good day, Bo')
  })

  test('with --dry-run makes nothing', async () => {
    const { name, cwd } = await project()
    expect((await managed.ampoule('deploy --dry-run --alias live', { cwd })).stdout).toBe(
      `${name}  would be created (alias live)\n`,
    )
    expect((await managed.ampoule(`function show ${name}`)).code).toBe(4)
  })

  test('leads stacks of what is deployed to the lines of the author’s files', async () => {
    const { name, deploy } = await project()
    await deploy()
    const { trace } = (await value(name, { name: '' })) as { trace: string[] }
    expect(trace).toEqual([
      'RangeError: nobody',
      expect.stringMatching(/^at greet \(\/var\/task\/src\/lib\/who\.ts:7:\d+\)$/),
      expect.stringMatching(/^at handler \(\/var\/task\/src\/greet\.ts:2:\d+\)$/),
    ])
  })

  test('says what of the configuration is otherwise on a host', async () => {
    const { deploy } = await project({ timeoutMs: 2500, memoryMb: 64, fuel: 100_000_000_000, routes: ['/a/*'], minInstances: 2 })
    expect(only(await deploy('--dry-run')).notes).toEqual([
      'fuel, routes of the configuration have no effect on a managed function',
      'timeoutMs 2500 becomes 3 s: managed functions have whole seconds',
      'memoryMb 64 becomes 128, the least that managed functions have',
      'minInstances has an effect with --alias only: instances of a version are kept ready',
    ])
  })

  test('shows on standard error what is being done, and with --json nothing but the result on standard output', async () => {
    const { name, cwd } = await project()
    const { stdout, stderr } = await managed.ampoule('deploy --json', { cwd })
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: false, functions: [{ name, action: 'created' }] })
    expect(stderr).toMatch(new RegExp(`^uploading ${name} \\(.* KiB\\) …$`, 'm'))
  })
})

describe('a deployment that fails', () => {
  test.each([
    ['does not parse', 'export const = 1', /who\.ts:1:14: /],
    [
      'imports what there is not',
      "import './nowhere.ts'\nexport const greet = () => 1",
      /who\.ts:1:8: Could not resolve '\.\/nowhere\.ts'/,
    ],
    [
      'throws at its start',
      'export const greet = () => 1\n\nthrow new TypeError("at once")',
      /who\.ts:3:\d+: TypeError: at once/,
    ],
  ])('because a file %s leaves what was there, and says file and line', async (_, source, reason) => {
    const { name, cwd, deploy } = await project()
    await deploy()
    await save(cwd, { 'src/lib/who.ts': source })
    const { code, stdout, stderr } = await managed.ampoule('deploy --json', { cwd })
    expect(code).toBe(1)
    expect(only(JSON.parse(stdout) as Result)).toMatchObject({
      action: 'failed',
      reason: expect.stringMatching(reason) as string,
    })
    expect(stderr).toMatch(reason)
    expect(await managed.json(`function show ${name}`)).toMatchObject({ Configuration: { LastUpdateStatus: 'Successful' } })
    expect(await value(name)).toBe('Hello, you')
  })

  test('on the host only is told in the author’s own paths, and is tried again as it is', async () => {
    const { name, cwd, deploy } = await project()
    await deploy('--alias', 'live')
    // Only the host has this variable.
    const broken = WHO.replace('interface', "\nif (process.env['AWS_REGION']) throw new Error('not there')\ninterface")
    await save(cwd, { 'src/lib/who.ts': broken })
    for (const changes of [/code/, /failed/]) {
      const dry = only(await deploy('--dry-run', '--alias', 'live'))
      expect(dry.changes.join()).toMatch(changes)
      const { code, stderr } = await managed.ampoule('deploy --alias live', { cwd })
      expect(code).toBe(1)
      expect(stderr).toMatch(/not deployed: src\/lib\/who\.ts:3:\d+: Error: not there; what was there before goes on$/m)
    }
    expect(await value(name)).toBe('Hello, you')
    expect(await value(`${name}:live`)).toBe('Hello, you')
    await save(cwd, { 'src/lib/who.ts': WHO })
    expect(only(await deploy('--alias', 'live')).action).toBe('updated')
    expect(await value(`${name}:live`)).toBe('Hello, you')
  })

  test('leaves the other functions alone, too', async () => {
    const [good, bad] = [fresh(), fresh()]
    const cwd = await managed.folder({
      'good.ts': 'export const handler = () => 1',
      'bad.ts': 'export const handler = (',
      'ampoule.jsonc': JSON.stringify({ functions: { [good]: { source: 'good.ts' }, [bad]: { source: 'bad.ts' } } }),
    })
    const { code, stdout } = await managed.ampoule('deploy', { cwd })
    expect(code).toBe(1)
    expect(stdout).toBe(`${good}  skipped\n${bad}  failed\n`)
    expect((await managed.ampoule(`function show ${good}`)).code).toBe(4)
    expect((await managed.ampoule(`deploy ${good}`, { cwd })).stdout).toBe(`${good}  created\n`)
  })

  test('because the host refuses it says what the host says', async () => {
    const { cwd } = await project({ concurrency: 1000 })
    const { code, stderr } = await managed.ampoule('deploy', { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('below its minimum value of [100]')
  })

  test('because the function runs otherwise says how to go on', async () => {
    const { name, cwd } = await project({ engine: 'quickjs' })
    await create(managed.host.client, await nodeFunction(name, 'export const handler = () => 1'))
    const { code, stderr } = await managed.ampoule('deploy', { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain(`delete it first (ampoule function delete ${name})`)
  })

  test('because there is no host ends before anything is built', async () => {
    const { cwd } = await project({}, { 'src/greet.ts': 'export const =' })
    const { code, stderr } = await run(['deploy', '--endpoint', 'http://127.0.0.1:1'], { cwd })
    expect(code).toBe(8)
    expect(stderr).toContain('ampoule serve --data DIR')
  })
})

describe('ampoule deploy with an alias', () => {
  test('publishes versions and moves the alias, and only where something has changed', async () => {
    const { name, cwd, deploy } = await project({ minInstances: 1 })
    expect(only(await deploy('--alias', 'live'))).toMatchObject({
      action: 'created',
      version: '1',
      changes: ['alias live → 1', 'provisioned none → 1'],
    })
    expect(only(await deploy('--alias', 'live'))).toMatchObject({ action: 'unchanged', version: '1' })
    await save(cwd, { 'src/lib/who.ts': WHO.replace('Hello', 'Good day') })
    expect(only(await deploy())).toMatchObject({ action: 'updated', changes: ['code'] })
    expect(await value(`${name}:live`)).toBe('Hello, you')
    expect(only(await deploy('--publish'))).toMatchObject({ action: 'unchanged', version: '2' })
    expect(only(await deploy('--alias', 'live'))).toMatchObject({ action: 'updated', changes: ['alias live 1 → 2'] })
    expect(await value(`${name}:live`)).toBe('Good day, you')
  })

  test('takes back an alias that shares its invocations out', async () => {
    const { name, cwd, deploy } = await project()
    await deploy('--alias', 'live')
    await save(cwd, { 'src/lib/who.ts': WHO.replace('Hello', 'Good day') })
    await deploy('--publish')
    await managed.says(`alias update ${name} live --weights 2=0.5`)
    expect(only(await deploy('--alias', 'live')).changes).toEqual(['alias live 1, 2 → 2'])
    expect(await managed.says(`alias list ${name}`)).toMatch(/^live +2$/m)
  })

  test('answers every request meanwhile', async () => {
    const { name, cwd, deploy } = await project()
    await deploy('--alias', 'live')
    const seen = new Set<unknown>()
    const stop = new AbortController()
    const ask = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const { value: answer, error } = await invoke(managed.host.client, `${name}:live`)
        seen.add(error ?? answer)
      }
    }
    const load = Promise.all(Array.from({ length: 8 }, ask))
    for (const word of ['Good day', 'Good night']) {
      await save(cwd, { 'src/lib/who.ts': WHO.replace('Hello', word) })
      await deploy('--alias', 'live')
      expect(await value(`${name}:live`)).toBe(`${word}, you`)
    }
    stop.abort()
    await load
    expect(seen).toEqual(new Set(['Hello, you', 'Good day, you', 'Good night, you']))
  })

  test('gives a URL that is open to everybody, and the same one again', async () => {
    const { name, deploy } = await project({}, { 'src/greet.ts': 'export default { fetch: () => new Response("open") }' })
    const { url = '' } = only(await deploy('--alias', 'live', '--url'))
    expect(only(await deploy('--alias', 'live', '--url'))).toMatchObject({ action: 'unchanged', url })
    const { hostname, port } = new URL(url)
    const response = await fetch(`http://127.0.0.1:${port}/_ampoule/url/${hostname.split('.')[0]}/`)
    expect(await response.text()).toBe('open')
    expect(await managed.says(`url show ${name}:live`)).toContain(url)
  })
})

describe('ampoule deploy with a path', () => {
  test('makes a function of a file with settings of the command line, and leaves what it does not name', async () => {
    const name = fresh()
    const cwd = await managed.folder({ 'greet.ts': GREETER.replace('./lib/', './'), 'who.ts': WHO })
    const line = ['deploy', './greet.ts', '--name', name]
    expect(only(await managed.json<Result>([...line, '--env', 'WHO=Ada', '--memory-mb', '256'], { cwd }))).toMatchObject({
      action: 'created',
    })
    expect(only(await managed.json<Result>([...line, '--env', 'OTHER=1'], { cwd }))).toMatchObject({ changes: ['environment'] })
    expect(only(await managed.json<Result>(line, { cwd }))).toMatchObject({ action: 'unchanged' })
    expect(await managed.json(`function show ${name}`)).toMatchObject({
      Configuration: { MemorySize: 256, Environment: { Variables: { WHO: 'Ada', OTHER: '1' } } },
    })
  })

  test('names the function by the file, or by the folder where the file is called index', async () => {
    const source = 'export const handler = () => 1'
    const cwd = await managed.folder({ 'orders/src/index.ts': source, 'mail.mjs': source, 'x.y/index.js': source })
    const named = async (path: string) => only(await managed.json<Result>(['deploy', path, '--dry-run'], { cwd })).name
    expect(await named('./orders')).toBe('orders')
    expect(await named('orders/src/index.ts')).toBe('orders')
    expect(await named('mail.mjs')).toBe('mail')
    expect((await managed.ampoule('deploy ./x.y', { cwd })).stderr).toContain('"x.y" cannot name a function')
  })

  test('takes the configuration of a folder that has one', async () => {
    const { name, cwd } = await project()
    expect(only(await managed.json<Result>(['deploy', `${cwd}/.`])).name).toBe(name)
  })

  test('takes packages from layers of the host', async () => {
    const name = fresh()
    const layer = await managed.folder({
      'nodejs/node_modules/words/index.js': 'export const word = () => "from a layer"',
      'nodejs/node_modules/words/package.json': '{"name":"words","type":"module","main":"index.js"}',
    })
    await managed.says(['layer', 'publish', 'deployed', layer])
    const cwd = await managed.folder({ 'fn.ts': "import { word } from 'words'\nexport const handler = () => word()" })
    const line = ['deploy', './fn.ts', '--name', name]
    expect((await managed.ampoule(line, { cwd })).stderr).toContain("fn.ts:1:22: Could not resolve 'words'")
    await managed.says([...line, '--layer', 'deployed:1'], { cwd })
    expect(await value(name)).toBe('from a layer')
    expect(only(await managed.json<Result>(line, { cwd })).action).toBe('unchanged')
  })

  test('takes a component as it is', async () => {
    const name = fresh()
    const cwd = await managed.folder({ 'echo.wasm': await guest('echo') })
    await managed.says(['deploy', 'echo.wasm', '--name', name], { cwd })
    expect(await value(name, { a: [1] })).toEqual({ a: [1] })
    expect(await managed.json(`function show ${name}`)).toMatchObject({ Configuration: { Runtime: 'wasm' } })
  })

  test('makes a component of JavaScript for the small engine', { timeout: 120_000 }, async () => {
    const { name, deploy } = await project({ engine: 'quickjs' })
    expect(only(await deploy()).action).toBe('created')
    expect(await value(name, { name: 'Q' })).toBe('Hello, Q')
    expect(only(await deploy()).action).toBe('unchanged')
  })

  test.each([
    ['a path and a name', ['./a.ts', 'b'], 'give either names of the configuration or paths'],
    ['a path that there is not', ['./nowhere.ts'], 'there is no file or folder ./nowhere.ts'],
    ['a folder without a function', ['.'], '. has neither ampoule.jsonc nor index.ts'],
    ['a name that there is not', ['nowhere', '--config', 'c.jsonc'], 'there is no function "nowhere" in the configuration'],
    ['--name without a path', ['--name', 'a', '--config', 'c.jsonc'], '--name is for a path'],
    ['a configuration without functions', ['--config', 'c.jsonc'], 'the configuration has no functions'],
  ])('refuses %s', async (_, args, message) => {
    const cwd = await managed.folder({ 'c.jsonc': '{"functions":{}}', 'a.ts': '' })
    const { code, stdout, stderr } = await managed.ampoule(['deploy', ...args], { cwd })
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect([2, 4]).toContain(code)
  })
})

test('a module that has both forms of handlers has them on a host, too', async () => {
  const name = fresh()
  const source = 'export default { fetch: () => new Response("web") }\nexport const handler = (event) => ({ event })'
  const cwd = await managed.folder({ 'both.mjs': source })
  await managed.says(['deploy', './both.mjs', '--name', name], { cwd })
  expect(await value(name, 5)).toEqual({ event: 5 })
  await managed.host.client.send(new DeleteFunctionCommand({ FunctionName: name }))
})
