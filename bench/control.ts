import { Agent } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { CreateFunctionCommand, LambdaClient, waitUntilFunctionActiveV2 } from '@aws-sdk/client-lambda'
import yazl from 'yazl'
import { absolute, compare, type Row, type Samples } from './harness.ts'
import { CONNECTIONS, generator, load, post } from './load.ts'
import { copyFunction, startManagedHost, type ManagedHost } from './managed-host.ts'

const BODY = '{"hello":"world","n":42}'
const MANY = 10_000
const FEW = 10
const ROUNDS = 5
const SECONDS = 2
const CALLS = 500
const CREATED = 10

/** The management API beside the data plane, and what it costs to have many functions. */
export async function run(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-control-'))
  try {
    const config = join(folder, 'ampoule.jsonc')
    const component = fileURLToPath(new URL('../examples/c/hello.wasm', import.meta.url))
    const source = fileURLToPath(new URL('./guests/lambda.ts', import.meta.url))
    const functions = { c: { component }, javascript: { source }, quickjs: { source, engine: 'quickjs' } }
    await writeFile(config, JSON.stringify({ functions }))
    const few = join(folder, 'few')
    const many = join(folder, 'many')
    const created = await createInto(few, config)
    await createInto(many, config)
    await copyFunction(few, 'made', FEW - 1)
    await copyFunction(many, 'made', MANY - 1)
    return [
      ...(await throughput(few, config)),
      ...(await dispatch(few, many, config)),
      ...(await starts(few, many, config)),
      created,
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

const invocations = (host: ManagedHost, name: string): string => `${host.managementUrl}/2015-03-31/functions/${name}/invocations`

async function throughput(folder: string, config: string): Promise<readonly Row[]> {
  console.error(
    `load: ${generator}, ${CONNECTIONS} connections, POST of ${BODY.length} bytes, ${ROUNDS} rounds of ${SECONDS} s a case`,
  )
  const host = await startManagedHost(folder, config)
  try {
    const rows: Row[] = []
    for (const name of ['c', 'quickjs', 'javascript']) {
      const ways = [`${host.url}/${name}`, invocations(host, name)]
      for (const url of ways) await load(url, BODY, 3)
      const values: number[][] = [[], []]
      for (let round = 0; round < ROUNDS; round++)
        for (const [i, url] of ways.entries()) values[i]!.push(await load(url, BODY, SECONDS))
      const [http, invoke] = values.map((samples, i) => ({
        name: ['HTTP trigger', `Invoke, ${name}`][i]!,
        unit: 'requests/s',
        values: samples,
      }))
      rows.push(compare(invoke!, http!, '>= 0.8'))
    }
    return rows
  } finally {
    await host.stop()
  }
}

/** Both hosts by turns, one invocation at a time; a function that is loaded, and one after the other that is used for the first time. */
async function dispatch(few: string, many: string, config: string): Promise<readonly Row[]> {
  const hosts = [await startManagedHost(few, config), await startManagedHost(many, config)]
  const agent = new Agent({ keepAlive: true })
  try {
    const loaded: number[][] = [[], []]
    const first: number[][] = [[], []]
    for (const host of hosts) for (let i = 0; i < CALLS; i++) await invoke(host, 'made', agent)
    for (let call = 0; call < CALLS; call++)
      for (const [i, host] of hosts.entries()) loaded[i]!.push(await invoke(host, 'made', agent))
    for (let one = 0; one < FEW - 1; one++)
      for (const [i, host] of hosts.entries()) first[i]!.push(await invoke(host, `made-${i === 0 ? one : one * 1000}`, agent))
    const samples = (values: number[][], what: string): [Samples, Samples] => [
      { name: `${what}, ${MANY} functions`, unit: 'ms', values: values[1]! },
      { name: `${FEW} functions`, unit: 'ms', values: values[0]! },
    ]
    return [
      compare(...samples(loaded, 'an invocation'), '<= 1.2'),
      compare(...samples(first, 'the first invocation since the start'), '<= 1.2'),
    ]
  } finally {
    agent.destroy()
    for (const host of hosts) await host.stop()
  }
}

async function starts(few: string, many: string, config: string): Promise<readonly Row[]> {
  const seconds: number[][] = [[], []]
  const memory: number[][] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, folder] of [few, many].entries()) {
      const host = await startManagedHost(folder, config)
      seconds[i]!.push(host.startMs / 1000)
      memory[i]!.push(host.privateMb())
      await host.stop()
    }
  }
  const row = (what: string, unit: string, values: number[][]): Row =>
    compare(
      { name: `${what} of a host with ${MANY} functions`, unit, values: values[1]! },
      { name: `with ${FEW}`, unit, values: values[0]! },
    )
  return [row('start', 's', seconds), row('memory', 'MB', memory)]
}

/** Makes the function `made`; from a zip with a small `index.mjs` to its first answer, some times over. */
async function createInto(folder: string, config: string): Promise<Row> {
  const host = await startManagedHost(folder, config)
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
  const client = new LambdaClient({ endpoint: host.managementUrl, region: 'us-east-1', credentials })
  const agent = new Agent({ keepAlive: true })
  try {
    const values: number[] = []
    for (let i = 0; i < CREATED; i++) {
      const name = i === 0 ? 'made' : `created-${i}`
      const code = `export const handler = async (event) => event // ${i}`
      const started = performance.now()
      await client.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Runtime: 'nodejs22.x',
          Handler: 'index.handler',
          Role: 'arn:aws:iam::000000000000:role/any',
          Code: { ZipFile: await zipOf('index.mjs', code) },
        }),
      )
      await waitUntilFunctionActiveV2({ client, maxWaitTime: 60, minDelay: 0.01, maxDelay: 0.02 }, { FunctionName: name })
      await invoke(host, name, agent)
      values.push(performance.now() - started)
    }
    return absolute({ name: 'from CreateFunction to the first answer', unit: 'ms', values }, '<= 1000 ms')
  } finally {
    agent.destroy()
    client.destroy()
    await host.stop()
  }
}

async function zipOf(path: string, content: string): Promise<Uint8Array> {
  const zip = new yazl.ZipFile()
  zip.addBuffer(Buffer.from(content), path)
  zip.end()
  return new Uint8Array(await buffer(zip.outputStream))
}

/** Milliseconds until the answer, which has to be the payload. */
async function invoke(host: ManagedHost, name: string, agent: Agent): Promise<number> {
  const started = performance.now()
  await post(invocations(host, name), BODY, agent)
  return performance.now() - started
}
