import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS, type OperationName } from '../../../../src/gateway/management/model/model.ts'
import { OFFERED } from '../../../../src/gateway/management/app.ts'
import { awsCli } from '../../../tools/aws-cli.ts'
import { removeFolders, startManaged, temporaryFolder, type ManagedHost } from '../host.ts'
import { CLI_CALLS, commandOf, WAITS } from './cli.ts'
import { ZIP } from './code.ts'
import { PARTIAL } from './declared.ts'
import { GROUPS } from './groups/index.ts'
import { Ledger } from './ledger.ts'
import { FORMS, membersOf } from './names.ts'
import documented from './operations.json' with { type: 'json' }
import { formatPage } from './page.ts'
import { createQueue } from './made-sources.ts'
import { Run, call, refusalOf } from './run.ts'

const ledger = new Ledger()
let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

for (const { title, prepare, cases } of GROUPS)
  describe(`by the SDK, ${title}:`, () => {
    let run: Run
    beforeAll(async () => {
      await prepare?.(managed.client, managed.host.managementUrl ?? '')
      run = new Run(managed.client, ledger)
    })
    it.each(cases.map((one, index) => [titleOf(one), index, one] as const))('%s (%i)', async (_, __, one) => {
      await expect(run.run(one)).resolves.toBeUndefined()
    })
  })

function titleOf(one: (typeof GROUPS)[number]['cases'][number]): string {
  if (one.kind === 'step') return one.what
  return one.kind === 'works' ? `${one.operation} ${one.what}` : `${one.operation} refuses ${one.what} (${one.error})`
}

const cli = awsCli()
const lacking = 'missing' in cli ? ` (${cli.missing})` : ''

describe.skipIf(lacking !== '')(`by the aws command line${lacking}:`, () => {
  const said = new Map<OperationName, Readonly<Record<string, unknown>>>()
  let folder: string
  beforeAll(async () => {
    folder = await temporaryFolder()
    await writeFile(join(folder, 'code.zip'), ZIP)
    await writeFile(join(folder, 'payload.json'), '{"a":1}')
    await createQueue('cli', managed.host.managementUrl ?? '')
  })

  async function aws(command: string, args: readonly string[]): Promise<string> {
    if ('missing' in cli) throw new Error(cli.missing)
    const options = { endpoint: managed.host.managementUrl ?? '', cwd: folder }
    const { code, stdout, stderr } = await cli.run(['lambda', ...command.split(' '), ...args], options)
    if (code !== 0) throw new Error(`aws lambda ${command} ended with ${code}: ${stderr}`)
    return stdout
  }

  it.each(CLI_CALLS.map((one) => [one.operation, one] as const))(
    '%s',
    { timeout: 60_000 },
    async (operation, { args, gives = {} }) => {
      const printed = await aws(
        commandOf(operation),
        args((name) => said.get(name) ?? {}),
      )
      const answer = (printed.trim() === '' ? {} : JSON.parse(printed)) as Readonly<Record<string, unknown>>
      expect(answer).toMatchObject(gives)
      said.set(operation, answer)
      ledger.of(operation).cli = true
      const waiter = WAITS[operation]
      if (waiter !== undefined) await aws(`wait ${waiter}`, ['--function-name', 'cli'])
    },
  )

  it('names what is refused', { timeout: 60_000 }, async () => {
    await expect(aws('get-function', ['--function-name', 'none'])).rejects.toThrow(
      /\(ResourceNotFoundException\) when calling the GetFunction operation.*: Function not found: arn:aws:lambda:us-east-1:000000000000:function:none/,
    )
  })
})

/** Made by the call, not needed for it, or not the first thing that is looked for. */
const NOT_BY_NAME: readonly OperationName[] = ['CreateFunction', 'ListEventSourceMappings', 'UpdateEventSourceMapping']

const NAMED = (Object.keys(OPERATIONS) as OperationName[]).filter(
  (name) => 'FunctionName' in membersOf(name) && !NOT_BY_NAME.includes(name),
)

describe('names', () => {
  it.each(NAMED)('%s takes names and partial and whole ARNs, and finds nothing behind those of others', async (operation) => {
    const { example = {} } = ledger.of(operation)
    for (const form of FORMS) {
      const refusal = await refusalOf(call(managed.client, operation, { ...example, FunctionName: form('nobody') }))
      expect([form('nobody'), refusal.name]).toEqual([form('nobody'), 'ResourceNotFoundException'])
    }
    const foreign = 'arn:aws:lambda:eu-west-1:000000000000:function:nobody'
    expect(await refusalOf(call(managed.client, operation, { ...example, FunctionName: foreign }))).toMatchObject({
      name: 'ResourceNotFoundException',
    })
    const long = await refusalOf(call(managed.client, operation, { ...example, FunctionName: 'a'.repeat(65) }))
    expect(['InvalidParameterValueException', 'ValidationException']).toContain(long.name)
  })
})

const refused = new Map<string, string>()

describe('operations that are not offered', () => {
  it.each(Object.entries(documented).filter(([name]) => !OFFERED.has(name)))('%s is refused', async (name, { method, path }) => {
    const url = (managed.host.managementUrl ?? '') + path.replaceAll(/\{\w+\+?\}/g, 'any')
    const answer = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method !== 'GET' && { body: '{}' }),
    })
    const error = answer.headers.get('x-amzn-errortype') ?? ''
    expect([400, 404]).toContain(answer.status)
    expect(['UnknownOperationException', 'InvalidParameterValueException']).toContain(error)
    refused.set(name, `${answer.status} ${error}`)
  })
})

/** The SDK sends none of these: the service model is newer, and the last two are this host's own (own-settings.test.ts). */
const NOT_IN_THE_SDK: readonly string[] = ['CreateFunction', 'UpdateFunctionConfiguration'].flatMap((name) =>
  ['RuntimeConfig', 'AcceleratorConfig', 'Fuel', 'Routes', 'Sends'].map((member) => `${name}.${member}`),
)

const PAGE = new URL('../../../../docs/lambda-compatibility.md', import.meta.url)

describe('docs/lambda-compatibility.md', () => {
  const offered = (Object.keys(documented) as OperationName[]).filter((name) => OFFERED.has(name))

  it('has cases that work for every operation that is offered', () => {
    const untested = offered.filter((name) => ledger.of(name).works === 0)
    expect(untested).toEqual(['GetCodeSigningConfig', 'ListFunctionsByCodeSigningConfig'])
    expect(offered.filter((name) => PARTIAL[name] === undefined && ledger.of(name).works === 0)).toEqual([])
  })

  it('uses or refuses by name every parameter that the SDK has', () => {
    const unseen = offered
      .filter((name) => ledger.of(name).works > 0)
      .flatMap((name) => {
        const { used, refused: parameters } = ledger.of(name)
        return Object.keys(membersOf(name))
          .filter((member) => !used.has(member) && !parameters.has(member))
          .map((member) => `${name}.${member}`)
      })
    expect(unseen).toEqual(NOT_IN_THE_SDK)
  })

  it('says what these tests have seen', async () => {
    const page = formatPage(offered, ledger, refused)
    if (process.env['UPDATE'] === '1') await writeFile(PAGE, page)
    expect(await readFile(PAGE, 'utf8')).toBe(page)
  })
})
