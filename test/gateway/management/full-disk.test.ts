import { execFileSync } from 'node:child_process'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, describe, expect, it } from 'vitest'
import { which } from '../../tools/unpacked.ts'
import { create, nodeFunction, removeFolders, temporaryFolder } from './host.ts'
import { serve, WAIT } from './serve.ts'

const prlimit = which('prlimit')
const lacking = prlimit === undefined ? ' (prlimit of util-linux is not on PATH)' : ''

afterAll(removeFolders)

describe.skipIf(prlimit === undefined)(`a host that can write no more${lacking}`, () => {
  it('refuses what it would have to keep, says so, and goes on when there is room again', async () => {
    const host = await serve(await temporaryFolder())
    // Every write that makes a file longer fails from here on, as on a disk that is full.
    const limit = (bytes: string) => execFileSync(prlimit ?? '', ['--pid', String(host.ampoule.process.pid), `--fsize=${bytes}:`])
    const [, served = ''] = /serving 0 functions at (http:[^"\s]+)/.exec(host.ampoule.stdout) ?? []
    const { endpoint } = host
    const health = async () => (await (await fetch(`${served}/_ampoule/health`)).json()) as object
    const options = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'any', secretAccessKey: 'any' }, maxAttempts: 1 }
    const [sqs, kinesis] = [new SQSClient(options), new KinesisClient(options)]
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }))
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await create(host.client, await nodeFunction('fn', `export const handler = async ({ id }) => console.log('ran ' + id)`))
    // Larger than what files have as room inside.
    const large = 'x'.repeat(200_000)
    const send = (body: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }))
    const put = () => kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from(large) }))
    const invoke = (id: string) =>
      host.client.send(new InvokeCommand({ FunctionName: 'fn', InvocationType: 'Event', Payload: JSON.stringify({ id, large }) }))
    await send('before')
    expect(await health()).toEqual({ status: 'ok' })

    limit('1')
    const message = expect.stringContaining('the data folder cannot be written') as string
    await expect(send(large)).rejects.toMatchObject({ name: 'ServiceUnavailable', message })
    await expect(put()).rejects.toMatchObject({ name: 'ServiceUnavailable', message })
    await expect(invoke('refused')).rejects.toMatchObject({ name: 'ServiceException', message })
    expect(await health()).toEqual({ status: 'degraded', trouble: 'the data folder cannot be written' })

    limit('unlimited')
    await send('after')
    await put()
    await invoke('taken')
    await expect.poll(host.ran, WAIT).toEqual(['taken'])
    expect(await health()).toEqual({ status: 'ok' })
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
    expect(Messages.map(({ Body }) => Body)).toEqual(['before', 'after'])
    sqs.destroy()
    kinesis.destroy()
    await host.kill('SIGTERM')
  })
})
