import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BuildError } from '../src/build/error.ts'
import {
  deployFunctions,
  explainDeployment,
  loadConfiguration,
  type Deployment,
  type DeployProgress,
  type LoadedConfiguration,
} from '../src/deploy.ts'
import type { LaneGroup } from '../src/engine/contract.ts'
import { startLanes } from '../src/engine/lanes.ts'
import { AmpouleError } from '../src/errors.ts'
import { claimPort } from '../src/gateway/claim-port.ts'
import type { LaneProgramData } from '../src/lane.ts'

/** Building an engine, where it is not there yet, takes a minute on a busy machine. */
const BUILD_MS = 300_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-test-deploy-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let projects = 0
async function configure(
  functions: Record<string, object>,
  files: Record<string, string | Uint8Array>,
): Promise<LoadedConfiguration> {
  const root = join(folder, `project${projects++}`)
  const all = { ...files, 'ampoule.jsonc': JSON.stringify({ functions }) }
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return loadConfiguration(join(root, 'ampoule.jsonc'))
}

const groups: LaneGroup[] = []
afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop(0)))
})

async function serve(
  configuration: LoadedConfiguration,
  deployments: readonly Deployment[],
): Promise<{ readonly group: LaneGroup; readonly ask: (path: string) => Promise<string> }> {
  const port = await claimPort('127.0.0.1', 0)
  const program: LaneProgramData = { functions: configuration.functions, dev: false, logs: 'text' }
  const group = await startLanes({
    lanes: 1,
    program: new URL('../src/lane.ts', import.meta.url),
    data: { host: '127.0.0.1', port, reusePort: false, program },
    functions: deployments,
    memoryCeilingMb: 4096,
    restore: 'auto',
    verifyEvery: 1,
    onLaneFailure: (error) => {
      throw error
    },
  })
  groups.push(group)
  return {
    group,
    ask: async (path) =>
      (
        await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(20_000), headers: { connection: 'close' } })
      ).text(),
  }
}

const ENGINES = ['starlingmonkey', 'quickjs'] as const

describe.each(ENGINES)('a function in TypeScript on %s', (engine) => {
  const answer = (text: string): string => `let n = 0\nexport const handler = () => '${text} ' + ++n + ' ' + process.env.WHO\n`

  test('is deployed as a script, served, and replaced by its next version', { timeout: BUILD_MS }, async () => {
    const configuration = await configure(
      { f: { source: './f.ts', engine, environment: { WHO: 'me' } } },
      { 'f.ts': answer('one') },
    )
    const first = await deployFunctions(configuration.functions, configuration)
    expect(first[0]?.artifact.script?.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(first[0]?.inputs).toEqual([join(configuration.folder, 'f.ts')])
    const { group, ask } = await serve(configuration, first)
    expect([await ask('/f/'), await ask('/f/')]).toEqual(['one 1 me', 'one 1 me'])

    await writeFile(join(configuration.folder, 'f.ts'), answer('two'))
    const [second] = await deployFunctions(configuration.functions, configuration)
    expect(second?.artifact.id).not.toBe(first[0]?.artifact.id)
    if (second !== undefined) await group.deploy(second)
    expect([await ask('/f/'), await ask('/f/')]).toEqual(['two 1 me', 'two 1 me'])
  })

  test('keeps its last good version when the top level of the next one fails', { timeout: BUILD_MS }, async () => {
    const configuration = await configure(
      { f: { source: './f.ts', engine, environment: { WHO: 'me' } } },
      { 'f.ts': answer('good') },
    )
    const { group, ask } = await serve(configuration, await deployFunctions(configuration.functions, configuration))
    await writeFile(join(configuration.folder, 'f.ts'), 'export const handler = 1\n\nthrow new RangeError("broken")\n')
    const broken = await deployFunctions(configuration.functions, configuration)
    const error: unknown = await group.deploy(broken[0]!).catch((reason: unknown) => explainDeployment(reason, broken))
    expect(error).toBeInstanceOf(AmpouleError)
    const { message, cause } = error as AmpouleError
    expect(message).toContain('function "f": ')
    expect(message).toContain('RangeError: broken')
    expect((cause as BuildError).position).toMatchObject({ file: join(configuration.folder, 'f.ts'), line: 3 })
    expect(await ask('/f/')).toBe('good 1 me')
  })
})

test('all functions whose top level fails are told, each with its place', { timeout: BUILD_MS }, async () => {
  const configuration = await configure(
    { a: { source: './a.ts' }, b: { source: './b.ts', engine: 'quickjs' }, c: { source: './c.ts' } },
    {
      'a.ts': 'throw new RangeError("first")\nexport const handler = 1',
      'b.ts': '\nthrow new TypeError("second")\nexport const handler = 1',
      'c.ts': 'export const handler = () => 1',
    },
  )
  const deployments = await deployFunctions(configuration.functions, configuration)
  const error: unknown = await serve(configuration, deployments).catch((reason: unknown) =>
    explainDeployment(reason, deployments),
  )
  expect(error).toMatchObject({ code: 'BuildFailed' })
  const { message } = error as AmpouleError
  expect(message).toMatch(/function "a": .*a\.ts:1:\d+: RangeError: first\n.*function "b": .*b\.ts:2:\d+: TypeError: second/)
  expect(message).not.toContain('"c"')
})

test('a self-contained deployment is a component of its own', { timeout: BUILD_MS }, async () => {
  const configuration = await configure(
    { f: { source: './f.ts', engine: 'quickjs' } },
    { 'f.ts': 'export const handler = () => 1' },
  )
  const [made] = await deployFunctions(configuration.functions, configuration, { selfContained: true })
  expect(made?.artifact.script).toBeUndefined()
  expect(readFileSync(made?.component ?? '').subarray(0, 4)).toEqual(Buffer.from('\0asm'))
})

describe.runIf(process.platform === 'linux')('the images of a group of lanes', () => {
  test('are released when it stops', { timeout: BUILD_MS }, async () => {
    const images = (): number =>
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('ampoule-snapshot') && line.includes('r--s')).length
    const before = images()
    const configuration = await configure(
      { f: { source: './f.ts', engine: 'quickjs' } },
      { 'f.ts': 'export const handler = () => 1' },
    )
    const { group, ask } = await serve(configuration, await deployFunctions(configuration.functions, configuration))
    expect(await ask('/f/')).toBe('1')
    await group.stop(0)
    expect(images()).toBe(before)
  })
})

test('a core module in the place of a component becomes one, and is taken from the cache the next time', async () => {
  const core = readFileSync(new URL('./guests/c/echo.core.wasm', import.meta.url))
  const configuration = await configure({ echo: { component: 'echo.wasm' } }, { 'echo.wasm': core })
  const stages: DeployProgress['stage'][] = []
  const deploy = (): Promise<readonly Deployment[]> =>
    deployFunctions(configuration.functions, configuration, { onProgress: ({ stage }) => stages.push(stage) })
  const deployments = await deploy()
  expect(stages).toContain('build')
  stages.length = 0
  const [again] = await deploy()
  expect(again?.artifact.id).toBe(deployments[0]?.artifact.id)
  expect(stages).not.toContain('build')
  const { ask } = await serve(configuration, deployments)
  expect(await ask('/echo/some/path')).toBe('/some/path')
})
