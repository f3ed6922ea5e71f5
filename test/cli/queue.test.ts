import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, nodeFunction, removeFolders } from '../gateway/management/host.ts'
import { Managed } from './managed.ts'

let managed: Managed
beforeAll(async () => {
  managed = await Managed.start({ lanes: 1 })
})
afterAll(async () => {
  await managed.close()
  await removeFolders()
})

const WAIT = { timeout: 20_000, interval: 200 }

interface Peeked {
  readonly messages: readonly { readonly body: string; readonly receives: number }[]
}

const bodies = async (queue: string) =>
  (await managed.json<Peeked>(['queue', 'peek', queue])).messages.map(({ body }) => body).toSorted()

describe('ampoule queue', () => {
  it('makes, shows, fills, empties and deletes queues', async () => {
    expect(await managed.says('queue create jobs --visibility 5 --delay 0')).toMatch(/^http:.*\/000000000000\/jobs\n$/)
    expect((await managed.says(['queue', 'send', 'jobs', 'one', '{"two":2}'])).trim().split('\n')).toHaveLength(2)
    await managed.says('queue send jobs later --delay 900')
    expect(await managed.says('queue stats jobs')).toMatch(
      /^waiting +2\nreceived +0\ndelayed +1\nvisibility +5 s\ndelay +0 s\nretention +345600 s\n/,
    )
    expect(await managed.says('queue list')).toMatch(/^QUEUE +WAITING +RECEIVED +DELAYED\njobs +2 +0 +1\n$/)
    expect(await managed.says('queue peek jobs')).toMatch(/^ID +SENT +RECEIVES +BODY\n.* 0 +one\n.* 0 +\{"two":2\}\n$/)
    expect(await managed.says('queue peek jobs --limit 1')).toMatch(/ one\n$/)
    // Nobody has received anything by that.
    expect(await bodies('jobs')).toEqual(['one', '{"two":2}'])
    expect(await managed.says('queue purge jobs')).toBe('jobs is empty\n')
    expect(await managed.says('queue peek jobs')).toBe('no message can be received now\n')
    expect(await managed.says('queue delete jobs')).toBe('jobs is deleted\n')
    expect(await managed.json('queue list')).toEqual({ queues: [] })
  })

  it('keeps the order of groups', async () => {
    await managed.says('queue create steps.fifo')
    await managed.says('queue send steps.fifo a b c --group g')
    expect((await managed.json<Peeked>('queue peek steps.fifo')).messages.map(({ body }) => body)).toContain('a')
    const { code, stderr } = await managed.ampoule('queue send steps.fifo d')
    expect(code).toBe(2)
    expect(stderr).toContain('MessageGroupId')
  })

  it.each([
    ['queue stats nowhere', 4, 'The specified queue does not exist'],
    ['queue send nowhere x', 4, 'There is no queue nowhere'],
    ['queue peek nowhere', 4, 'There is no queue nowhere'],
    ['queue create bad/name', 2, 'The queue name bad/name must have'],
    ['queue create slow --visibility never', 2, 'VisibilityTimeout'],
    ['queue create lost --dead-letters nowhere', 4, 'The specified queue does not exist'],
    ['queue peek jobs --limit 0', 2, '--limit is "0": it must be an integer from 1 to 100'],
    ['queue', 2, '"queue" needs a command'],
  ])('says what is wrong with %s', async (line, code, message) => {
    const answer = await managed.ampoule(line)
    expect(answer.stderr).toContain(message)
    expect(answer).toMatchObject({ code, stdout: '' })
  })
})

describe('ampoule trigger', () => {
  const SOURCE = `
export const handler = (event) => {
  const failed = event.Records.filter(({ body }) => body.startsWith('bad'))
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) }
}`

  it('gives a function messages, which end among dead letters and come back', async () => {
    await create(managed.host.client, await nodeFunction('worker', SOURCE))
    await managed.says('queue create dead')
    await managed.says('queue create orders --visibility 3 --dead-letters dead --max-receives 1')
    const id = (await managed.says('trigger create worker orders --partial')).trim()
    expect(await managed.says('trigger list')).toMatch(
      new RegExp(String.raw`^ID +FUNCTION +SOURCE +STATE +BEHIND +BATCH +RESULT\n${id} +worker +orders +at work +10 +`),
    )
    await managed.says('queue send orders good bad-1 bad-2')
    await expect.poll(() => bodies('dead'), WAIT).toEqual(['bad-1', 'bad-2'])
    expect(await managed.says(`trigger pause ${id}`)).toBe(`${id} is paused\n`)
    expect(await managed.says('queue redrive dead')).toBe('messages of dead go where they come from\n')
    await expect.poll(() => bodies('orders'), WAIT).toEqual(['bad-1', 'bad-2'])
    expect(await managed.says(`trigger resume ${id}`)).toBe(`${id} is at work\n`)
    await expect.poll(() => bodies('dead'), WAIT).toEqual(['bad-1', 'bad-2'])
    expect(await managed.says(`trigger delete ${id}`)).toBe(`${id} is deleted\n`)
    expect(await managed.json('trigger list worker')).toEqual({ EventSourceMappings: [] })
  })

  it('reads only what a filter wants', async () => {
    await managed.says('queue create wanted')
    await managed.says(['trigger', 'create', 'worker', 'wanted', '--filter', '{"body":{"kind":["order"]}}', '--paused'])
    expect(await managed.json('trigger list worker')).toMatchObject({
      EventSourceMappings: [{ State: 'Disabled', FilterCriteria: { Filters: [{ Pattern: '{"body":{"kind":["order"]}}' }] } }],
    })
  })

  it.each([
    ['trigger create worker nowhere', 4, 'The specified queue does not exist'],
    ['trigger create worker orders --batch-size 20', 2, 'Maximum batch window in seconds must be greater than 0'],
    ['trigger create worker orders --filter {', 2, 'Invalid filter pattern definition: in filter 0'],
    ['trigger create worke orders', 4, 'Did you mean "worker"?'],
    ['trigger pause 00000000-0000-0000-0000-000000000000', 4, 'The resource you requested does not exist'],
  ])('says what is wrong with %s', async (line, code, message) => {
    const answer = await managed.ampoule(line)
    expect(answer.stderr).toContain(message)
    expect(answer.code).toBe(code)
  })
})
