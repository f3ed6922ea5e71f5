import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, startManaged, temporaryFolder, updated, type ManagedHost } from './host.ts'

let managed: ManagedHost
let config: string
beforeAll(async () => {
  const folder = await temporaryFolder()
  config = join(folder, 'ampoule.jsonc')
  await writeFile(join(folder, 'declared.js'), 'export default { fetch: () => new Response("declared") }')
  await writeFile(config, JSON.stringify({ functions: { declared: { source: 'declared.js', routes: ['/declared-route'] } } }))
  managed = await startManaged({ config })
  await create(managed.client, await named('strict'))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const ECHO = `export const handler = async (event) => event.rawPath === undefined ? 'invoked'
  : { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: NAME + ' ' + event.rawPath }`
const named = (name: string) => nodeFunction(name, ECHO.replace('NAME', JSON.stringify(name)))

/** By a client that knows more than Lambda's fields. */
async function change(name: string, body: object): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const answer = await fetch(`${managed.host.managementUrl}/2015-03-31/functions/${name}/configuration`, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  const found = (await answer.json()) as Record<string, unknown>
  if (answer.ok) await updated(managed.client, name)
  return { status: answer.status, body: found }
}

const configurationOf = async (path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(`${managed.host.managementUrl}/2015-03-31/functions/${path}`)).json()) as Record<string, unknown>

async function ask(path: string, host?: string): Promise<string> {
  const url = new URL(managed.host.url)
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host }
    request({ host: url.hostname, port: url.port, path, headers }, (answer) => {
      void text(answer).then((body) => resolve(`${answer.statusCode} ${body}`))
    })
      .on('error', reject)
      .end()
  })
}

describe('Fuel', () => {
  const LOOP = 'export const handler = (event) => { for (let i = 0; i < event; i++) Math.sqrt(i); return "done" }'

  it('is the budget of an invocation, as a field and as a variable, and is given back', async () => {
    const { client } = managed
    await create(client, await nodeFunction('burner', LOOP))
    expect((await invoke(client, 'burner', 300_000)).value).toBe('done')
    expect((await change('burner', { Fuel: 2_000_000 })).body['Fuel']).toBe(2_000_000)
    expect((await invoke(client, 'burner', 300_000)).error).toBe('Unhandled')
    await client.send(new PublishVersionCommand({ FunctionName: 'burner' }))
    expect((await change('burner', { Fuel: 0 })).body).not.toHaveProperty('Fuel')
    expect((await invoke(client, 'burner', 300_000)).value).toBe('done')
    // Versions keep what they had.
    expect((await invoke(client, 'burner:1', 300_000)).error).toBe('Unhandled')
    expect((await configurationOf('burner/configuration?Qualifier=1'))['Fuel']).toBe(2_000_000)
    await client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: 'burner',
        Environment: { Variables: { AMPOULE_FUEL: '2000000' } },
      }),
    )
    await updated(client, 'burner')
    expect((await configurationOf('burner/configuration'))['Fuel']).toBe(2_000_000)
    expect((await invoke(client, 'burner', 300_000)).error).toBe('Unhandled')
    // Clients of AWS see what they know.
    expect(await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'burner' }))).toMatchObject({ State: 'Active' })
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'burner', Environment: { Variables: {} } }))
    await updated(client, 'burner')
    expect((await invoke(client, 'burner', 300_000)).value).toBe('done')
  })

  it.each([
    [{ Fuel: 999 }, /Fuel is not supported: it must be an integer from 1000 to 9007199254740991/],
    [{ Fuel: -1 }, /Fuel is not supported/],
    [{ Fuel: 1.5 }, /must be an integer/],
    [{ Fuel: 'much' }, /must be an integer/],
    [{ Environment: { Variables: { AMPOULE_FUEL: '12' } } }, /AMPOULE_FUEL is not supported: it must be an integer/],
    [{ Environment: { Variables: { AMPOULE_FUEL: '1e9' } } }, /AMPOULE_FUEL is not supported/],
    [{ Fuel: 5000, Environment: { Variables: { AMPOULE_FUEL: '5000' } } }, /both Fuel and the environment variable AMPOULE_FUEL/],
    [{ Environment: { Variables: { AMPOULE_EGRESS: 'all' } } }, /AMPOULE_EGRESS is not supported/],
    [{ Egress: ['example.com'] }, /The parameter Egress is not known/],
    [{ Routes: ['/_ampoule/health'] }, /"\/_ampoule" belongs to the host/],
    [{ Routes: ['no slash*'] }, /The route "no slash\*" in Routes is not supported: the host/],
    [{ Routes: ['/a/*/b'] }, /only as its last segment/],
    [{ Routes: ['/a/../b'] }, /must not hold "\." or "\.\." segments/],
    [{ Routes: Array.from({ length: 21 }, (_, index) => `/r${index}`) }, /21 routes, the limit is 20/],
    [{ Environment: { Variables: { AMPOULE_ROUTES: '/a b*' } } }, /The route "b\*" in AMPOULE_ROUTES/],
  ])('and its like are refused by name: %j', async (given, message) => {
    const { status, body } = await change('strict', given)
    expect([status, body['message']]).toEqual([400, expect.stringMatching(message)])
  })
})

describe('Routes', () => {
  it('lead to a function at once, by path and host, until it gives them up or goes', async () => {
    const { client } = managed
    await create(client, await named('routed'))
    expect(await ask('/routed/x')).toMatch(/^404 /)
    const { body } = await change('routed', { Routes: ['/v1/*', 'API.example.com', '/exact'] })
    expect(body['Routes']).toEqual(['/v1/*', 'api.example.com/*', '/exact'])
    for (let round = 0; round < 10; round++) {
      expect(await ask('/v1/some/path?q=1')).toBe('200 routed /v1/some/path')
      expect(await ask('/exact')).toBe('200 routed /exact')
      expect(await ask('/anything', 'api.example.com:8080')).toBe('200 routed /anything')
    }
    expect(await ask('/exact/more')).toMatch(/^404 /)
    await change('routed', { Routes: ['/v2/*'] })
    expect(await ask('/v1/some/path')).toMatch(/^404 /)
    expect(await ask('/v2/x')).toBe('200 routed /v2/x')
    // What is not about them leaves them as they are.
    await change('routed', { Description: 'still routed' })
    expect(await ask('/v2/x')).toBe('200 routed /v2/x')
    await client.send(new DeleteFunctionCommand({ FunctionName: 'routed' }))
    expect(await ask('/v2/x')).toMatch(/^404 /)
  })

  it('can be given as a variable, from the beginning', async () => {
    const { client } = managed
    const Environment = { Variables: { AMPOULE_ROUTES: '/by-variable/* other.example' } }
    await create(client, { ...(await named('variable')), Environment })
    expect(await ask('/by-variable/x')).toBe('200 variable /by-variable/x')
    expect(await ask('/y', 'other.example')).toBe('200 variable /y')
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'variable', Environment: { Variables: {} } }))
    expect(await ask('/by-variable/x')).toMatch(/^404 /)
  })

  it('belong to one function: the second is told which', async () => {
    const { client } = managed
    await create(client, await named('first'))
    await create(client, await named('second'))
    await change('first', { Routes: ['/mine/*', '/mine'] })
    const refused = await change('second', { Routes: ['/free', '/mine/*'] })
    expect(refused).toMatchObject({
      status: 409,
      body: { __type: 'ResourceConflictException', message: 'The route /mine/* goes to the function first' },
    })
    // Nothing of it was done.
    expect(await ask('/free')).toMatch(/^404 /)
    expect((await configurationOf('second/configuration'))['Routes']).toBeUndefined()
    for (const [route, owner] of [
      ['/declared-route', 'declared'],
      ['/declared/*', 'declared'],
    ]) {
      const { status, body } = await change('second', { Routes: [route] })
      expect([status, body['message']]).toEqual([409, expect.stringContaining(`goes to the function ${owner}, which`)])
    }
    const taken = Array.from({ length: 8 }, (_, index) =>
      change(index % 2 === 0 ? 'first' : 'second', { Routes: ['/contended'] }),
    )
    const statuses = (await Promise.all(taken)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 202 || status === 200)).toHaveLength(1)
    await client.send(new DeleteFunctionCommand({ FunctionName: 'first' }))
    await client.send(new DeleteFunctionCommand({ FunctionName: 'second' }))
    await create(client, await named('third'))
    expect((await change('third', { Routes: ['/contended', '/mine/*'] })).status).toBe(200)
    expect(await ask('/mine/x')).toBe('200 third /mine/x')
  })

  it('stand behind what the configuration declares, and are there from the start of the next host', async () => {
    const { client } = managed
    await create(client, await named('everything'))
    await change('everything', { Routes: ['/*'] })
    expect(await ask('/whatever')).toBe('200 everything /whatever')
    expect(await ask('/declared-route')).toBe('200 declared')
    expect(await ask('/declared/x')).toBe('200 declared')
    const { folder } = managed
    await managed.stop()
    managed = await startManaged({ config, dataDir: folder })
    expect(await ask('/whatever')).toBe('200 everything /whatever')
  })
})
