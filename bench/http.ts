import { mkdtempSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchGuest, type BenchGuest } from './guests.ts'
import { compare, type Row, type Samples } from './harness.ts'
import { CONNECTIONS, freePort, generator, load, node, serve } from './load.ts'

const BODY = '{"hello":"world","n":42}'
const ROUNDS = 5
const SECONDS = 3

const CASES: readonly {
  readonly guest: BenchGuest
  readonly name: string
  readonly wanted?: string
  readonly againstWorkerd?: string
}[] = [
  { guest: 'c', name: 'C, event world', wanted: '>= 0.75', againstWorkerd: '>= 1.3' },
  { guest: 'quickjs', name: 'QuickJS, event world', wanted: '>= 0.4', againstWorkerd: '' },
  { guest: 'starlingmonkey-lambda', name: 'StarlingMonkey, event world, handler(event)', wanted: '>= 0.35', againstWorkerd: '' },
  { guest: 'starlingmonkey', name: 'StarlingMonkey, event world, fetch(request)', againstWorkerd: '' },
  { guest: 'starlingmonkey-fetch-event', name: 'StarlingMonkey, wasi:http fetch-event', wanted: '>= 0.2', againstWorkerd: '' },
  { guest: 'starlingmonkey-hono', name: 'StarlingMonkey, Hono inside the guest', againstWorkerd: '' },
]

/** Isolated functions over HTTP, beside a Hono route in the same lane, workerd, and `jco serve` with an instance per request. */
export async function run(): Promise<readonly Row[]> {
  for (const { guest } of CASES) await benchGuest(guest)
  console.error(
    `load: ${generator}, ${CONNECTIONS} connections, POST of ${BODY.length} bytes, ${ROUNDS} rounds of ${SECONDS} s a case`,
  )

  const port = await freePort()
  const host = `http://127.0.0.1:${port}`
  const ours = await serve(
    node(fileURLToPath(new URL('./http-host.ts', import.meta.url)), '--port', String(port), ...CASES.map(({ guest }) => guest)),
    `${host}/native`,
    BODY,
  )
  const results = new Map<string, number[]>()
  const sample = async (name: string, url: string): Promise<void> => {
    const values = results.get(name) ?? []
    values.push(await load(url, BODY, SECONDS))
    results.set(name, values)
  }
  try {
    // Everything compiles and tiers up before it is measured.
    for (const { guest } of CASES) await load(`${host}/${guest}`, BODY, 4)
    await load(`${host}/native`, BODY, 4)
    for (let round = 0; round < ROUNDS; round++) {
      for (const { guest, name } of CASES) {
        await sample('native', `${host}/native`)
        await sample(name, `${host}/${guest}`)
      }
    }
  } finally {
    await ours.stop()
  }
  await measureWorkerd(sample)
  const jco = await measureJco(sample)

  const of = (name: string): Samples => ({ name, unit: 'requests/s', values: results.get(name) ?? [] })
  const native = { ...of('native'), name: 'Hono route, same lane' }
  const workerd = { ...of('workerd'), name: 'workerd' }
  return [
    ...CASES.map(({ name, wanted }) => compare(of(name), native, wanted)),
    ...CASES.filter(({ againstWorkerd }) => againstWorkerd !== undefined).map(({ name, againstWorkerd }) =>
      compare(of(name), workerd, againstWorkerd || undefined),
    ),
    ...(jco
      ? [
          compare(
            of('StarlingMonkey, wasi:http fetch-event'),
            { ...of('jco'), name: 'jco serve --isolate-requests instance' },
            '>= 25',
          ),
        ]
      : []),
  ]
}

type Sample = (name: string, url: string) => Promise<void>

async function measureWorkerd(sample: Sample): Promise<void> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'ampoule-workerd-'))
  writeFileSync(
    join(folder, 'worker.js'),
    `export default { async fetch(request) { return new Response(await request.arrayBuffer(), { headers: { 'content-type': 'application/json' } }) } }`,
  )
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "worker", esModule = embed "worker.js")], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);`,
  )
  const require = createRequire(createRequire(import.meta.url).resolve('workerd/package.json'))
  const binary = join(
    dirname(
      require.resolve(
        `@cloudflare/workerd-${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch === 'x64' ? '64' : process.arch}/package.json`,
      ),
    ),
    'bin/workerd',
  )
  const url = `http://127.0.0.1:${port}/`
  const server = await serve([binary, 'serve', join(folder, 'config.capnp')], url, BODY)
  try {
    await load(url, BODY, 3)
    for (let round = 0; round < ROUNDS; round++) await sample('workerd', url)
  } finally {
    await server.stop()
  }
}

async function measureJco(sample: Sample): Promise<boolean> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'ampoule-jco-'))
  const component = join(folder, 'component.wasm')
  writeFileSync(component, await benchGuest('starlingmonkey-fetch-event'))
  const jco = fileURLToPath(new URL('../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url))
  const url = `http://127.0.0.1:${port}/`
  const server = await serve(
    [process.execPath, jco, 'serve', component, '--port', String(port), '--host', '127.0.0.1', '--isolate-requests', 'instance'],
    url,
    BODY,
  )
  try {
    await load(url, BODY, 3)
    for (let round = 0; round < ROUNDS; round++) await sample('jco', url)
    return true
  } finally {
    await server.stop()
  }
}
