import { createServer, type AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { hostileText } from '../guests/hostile.ts'
import { ask, RawConnection } from '../triggers/client.ts'
import { Ampoule, project, run } from './ampoule.ts'

let config: string
let remove: () => Promise<void>
beforeAll(async () => {
  const made = await project({
    port: 0,
    lanes: 2,
    functions: {
      echo: { component: 'echo.wasm' },
      hostile: { component: 'hostile.wasm', timeoutMs: 500 },
    },
  })
  ;({ config, remove } = made)
})
afterAll(() => remove())

describe('ampoule', () => {
  test('alone and with --help shows its commands', async () => {
    for (const args of [[], ['--help']]) {
      const { code, stdout } = await run(args)
      expect(code).toBe(0)
      for (const name of ['serve', 'build', 'invoke', 'module instrument', 'module inspect']) expect(stdout).toContain(name)
    }
  })

  test('--version prints the version of the package', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  test('shows with the help of a command those that belong to it', async () => {
    for (const args of [
      ['dev', '--help'],
      ['dev', 'queue', '--help'],
    ])
      expect((await run(args)).stdout).toMatch(
        /Commands:\n {2}dev queue send NAME BODY… .*\n {2}dev stream put .*\n {2}dev cron run /,
      )
  })

  test('with an unknown command ends with 2 and a suggestion', async () => {
    const { code, stderr } = await run(['sreve'])
    expect(code).toBe(2)
    expect(stderr).toContain('Did you mean "serve"?')
  })
})

describe('ampoule serve', () => {
  test('serves the functions on several lanes and ends with 0 on SIGTERM, after what runs has ended', async () => {
    const ampoule = new Ampoule(['serve', '--config', config])
    const [, port] = await ampoule.said(/serving 2 functions at http:\/\/127\.0\.0\.1:(\d+)/)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ask(Number(port), '/echo/', { method: 'POST', body: Buffer.from(`body ${index}`) }),
      ),
    )
    expect(answers.map(({ body }) => body.toString())).toEqual(Array.from({ length: 20 }, (_, index) => `body ${index}`))
    const running = new RawConnection(Number(port))
    running.send(`GET /hostile/${hostileText('loop')} HTTP/1.1\r\nHost: h\r\n\r\n`)
    await new Promise((resolve) => running.socket.once('connect', resolve))
    await ask(Number(port), '/echo/')
    ampoule.process.kill('SIGTERM')
    expect(await running.until('end')).toMatch(/^HTTP\/1\.1 504 /)
    expect(await ampoule.exited).toBe(0)
    expect(ampoule.stdout).toMatch(/hostile [0-9a-f-]{36} DeadlineExceeded/)
  })

  test('with --json logs one JSON object per line, and with --dev has an index', async () => {
    const ampoule = new Ampoule(['serve', '--config', config, '--json', '--dev', '--lanes', '1'])
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(ampoule.stderr)), 30_000)
      ampoule.process.stdout?.on('data', () => {
        const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(ampoule.stdout)
        if (found === null) return
        clearTimeout(timer)
        resolve(Number(found[1]))
      })
    })
    expect((await ask(port, '/')).json()).toMatchObject({ functions: [{ name: 'echo' }, { name: 'hostile' }] })
    const { headers } = await ask(port, '/echo/')
    ampoule.process.kill('SIGINT')
    expect(await ampoule.exited).toBe(0)
    const records = ampoule.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(records).toContainEqual(
      expect.objectContaining({
        type: 'report',
        function: 'echo',
        outcome: 'ok',
        requestId: new Map(headers).get('x-ampoule-request-id'),
      }),
    )
  })

  test('with mistakes in the configuration ends with 2 and names all of them with their lines', async () => {
    const wrong = await project('{\n  "prot": 1,\n  "functions": { "a": { "component": "none.wasm", "memoryMb": 1 } }\n}')
    const { code, stderr } = await run(['serve', '--config', wrong.config])
    expect(code).toBe(2)
    expect(stderr).toContain('3 mistakes in the configuration')
    expect(stderr).toContain(`${wrong.config}:2:3 prot is not a known setting. Did you mean "port"?`)
    expect(stderr).toContain(`${wrong.config}:3:38 functions.a.component is "none.wasm": there is no such file`)
    await wrong.remove()
  })

  test('without a configuration ends with 2 and says how to name one', async () => {
    const { code, stderr } = await run(['serve', '--config', '/nowhere/ampoule.jsonc'])
    expect(code).toBe(2)
    expect(stderr).toContain('--config')
  })

  test('on a busy port ends with 9 and says which, even when the lanes could share it', async () => {
    const taken = createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true })
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const { code, stderr } = await run(['serve', '--config', config, '--port', String(port)])
    taken.close()
    expect(code).toBe(9)
    expect(stderr).toContain(`port ${port} on 127.0.0.1 is in use`)
  })

  test('names every component that cannot be used', async () => {
    const wrong = await project({
      functions: { one: { component: 'broken.wasm' }, two: { component: 'broken.wasm' }, three: { component: 'echo.wasm' } },
    }).catch(() => undefined)
    if (wrong === undefined) throw new Error('no project')
    await writeFile(join(dirname(wrong.config), 'broken.wasm'), 'no wasm at all')
    const { code, stderr } = await run(['serve', '--config', wrong.config, '--port', '0'])
    expect(code).toBe(2)
    expect(stderr).toContain('function "one": ')
    expect(stderr).toContain('function "two": ')
    expect(stderr).not.toContain('function "three": ')
    await wrong.remove()
  })
})

describe('ampoule invoke', () => {
  test.each([
    ['the text itself', ['--data', '{"a":[1,"é"]}'], ''],
    ['standard input', ['--data', '-'], '{"a":[1,"é"]}'],
  ])('gives the function JSON from %s and prints what it answers', async (_, args, stdin) => {
    const { code, stdout } = await run(['invoke', 'echo', '--config', config, ...args], { stdin })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ a: [1, 'é'] })
  })

  test('reads the data from a file', async () => {
    const file = join(dirname(config), 'data.json')
    await writeFile(file, '[true]')
    expect(await run(['invoke', 'echo', '--config', config, '--data', `@${file}`])).toMatchObject({ code: 0, stdout: '[true]\n' })
  })

  test('with --json prints what it took beside the payload', async () => {
    const { stdout } = await run(['invoke', 'echo', '--config', config, '--json', '--data', '1'])
    expect(JSON.parse(stdout)).toMatchObject({ payload: 1, report: { fresh: true, guestMs: expect.any(Number) as number } })
  })

  test.each([
    ['a trap', 'trap', 1, 'trapped'],
    ['a loop', 'loop', 1, 'timeoutMs'],
    ['an answer that is none', 'garbage', 1, 'not valid'],
  ] as const)('ends with the exit code of its error for %s', async (_, action, expected, message) => {
    const { code, stdout, stderr } = await run([
      'invoke',
      'hostile',
      '--config',
      config,
      '--data',
      JSON.stringify(hostileText(action)),
    ])
    expect(code).toBe(expected)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
  })

  test('of a function that is not there ends with 4 and a suggestion', async () => {
    const { code, stderr } = await run(['invoke', 'ecko', '--config', config])
    expect(code).toBe(4)
    expect(stderr).toContain('Did you mean "echo"?')
  })

  test('with data that is no JSON ends with 2', async () => {
    expect((await run(['invoke', 'echo', '--config', config, '--data', '{'])).code).toBe(2)
  })
})

describe('ampoule module', () => {
  const core = fileURLToPath(new URL('../guests/c/echo.core.wasm', import.meta.url))

  test('inspect says what a core module exports', async () => {
    const { code, stdout } = await run(['module', 'inspect', core, '--json'])
    expect(code).toBe(0)
    expect((JSON.parse(stdout) as { exports: { name: string }[] }).exports.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['handle', 'memory']),
    )
  })

  test('instrument writes a module that is instrumented', async () => {
    const out = join(dirname(config), 'out.wasm')
    expect((await run(['module', 'instrument', core, out])).code).toBe(0)
    expect(JSON.parse((await run(['module', 'inspect', out, '--json'])).stdout)).toMatchObject({ instrumented: true })
  })

  test('ends with 2 for what is no module, naming the file', async () => {
    const { code, stderr } = await run(['module', 'inspect', config])
    expect(code).toBe(2)
    expect(stderr).toContain(config)
  })
})

describe('ampoule build', () => {
  test('compiles what is named and prints it as JSON', async () => {
    const { code, stdout } = await run(['build', 'echo', '--config', config, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      functions: [{ name: 'echo', artifact: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
    })
  })

  test('says size and time of each', async () => {
    const { code, stdout } = await run(['build', '--config', config])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^echo +[\d.]+ KiB {2}[\d.]+ m?s\nhostile +[\d.]+ [KM]iB {2}[\d.]+ m?s\n$/)
  })

  test('of a function that is not there ends with 4', async () => {
    expect((await run(['build', 'nope', '--config', config])).code).toBe(4)
  })
})
