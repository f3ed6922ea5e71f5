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

describe('ampoule stream', () => {
  it('makes streams, puts records in them, prints and deletes them', async () => {
    expect(await managed.says('stream create clicks --shards 2')).toBe('arn:aws:kinesis:us-east-1:000000000000:stream/clicks\n')
    expect(await managed.says(['stream', 'put', 'clicks', 'one', 'two', '--key', 'a'])).toMatch(
      /^(shardId-00000000000[01]) \d+\n\1 \d+\n$/,
    )
    expect(await managed.says('stream tail clicks')).toMatch(/^20\d\d-\S+ \S+ {2}a {2}one\n20\d\d-\S+ \S+ {2}a {2}two\n$/)
    const [line = ''] = (await managed.says('stream tail clicks --json')).split('\n')
    expect(JSON.parse(line)).toMatchObject({ PartitionKey: 'a', Data: btoa('one') })
    expect(await managed.says('stream list')).toMatch(/^STREAM +SHARDS +RETENTION\nclicks +2 +24 h\n$/)
    expect(await managed.says('stream stats clicks')).toMatch(/^shards +2\nretention +24 h\narn +arn:/)
    expect(await managed.says('stream delete clicks')).toBe('clicks is deleted\n')
    expect(await managed.json('stream list')).toEqual({ Streams: [] })
  })

  it.each([
    ['stream tail nowhere', 4, 'Stream nowhere under account'],
    ['stream put nowhere x', 4, 'There is no stream nowhere'],
    ['stream stats nowhere', 4, 'Stream nowhere under account 000000000000 not found'],
    ['stream create many --shards 201', 2, '--shards is "201": it must be an integer from 1 to 200'],
    ['trigger create reader nowhere --stream', 4, 'Stream nowhere under account'],
    ['trigger create reader jobs --from latest', 2, '--from is for streams: add --stream'],
    ['trigger create reader clicks --stream --from never', 2, '--from is "never": it must be first, latest or a time'],
  ])('says what is wrong with %s', async (line, code, message) => {
    const answer = await managed.ampoule(line)
    expect(answer.stderr).toContain(message)
    expect(answer).toMatchObject({ code, stdout: '' })
  })
})

describe('ampoule trigger with a stream', () => {
  it('gives a function records, and tells a queue of those that are given up', async () => {
    const source = `export const handler = (event) => {
  for (const { kinesis } of event.Records) {
    console.log('got ' + atob(kinesis.data))
    if (atob(kinesis.data) === 'bad') throw new Error('bad')
  }
}`
    await create(managed.host.client, await nodeFunction('reader', source))
    await managed.says('stream create events')
    await managed.says('queue create given-up')
    await managed.says('stream put events before')
    const options = '--from first --batch-size 1 --retries 0 --dead-letters given-up'
    const id = (await managed.says(`trigger create reader events --stream ${options}`)).trim()
    expect(await managed.says('trigger list')).toMatch(new RegExp(String.raw`\n${id} +reader +events +at work +0 s +1 `))
    await managed.says('stream put events bad after')
    await expect
      .poll(async () => (await managed.ampoule('logs reader')).stdout, WAIT)
      .toMatch(/got before[^]*got bad[^]*got after/)
    const { messages } = await managed.json<{ messages: readonly { readonly body: string }[] }>('queue peek given-up')
    expect(messages.map(({ body }) => JSON.parse(body) as object)).toMatchObject([{ KinesisBatchInfo: { batchSize: 1 } }])
    await managed.says(`trigger delete ${id}`)
  })
})
