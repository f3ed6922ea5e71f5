/* oxlint-disable no-console -- it is what the test looks at */
// Every handler of the module form, Lambda's for invocations, and both hooks.
import { beforeSnapshot, onInvoke, type ExportedHandler, type LambdaContext } from '@ampoule/guest'

let prepared = 'nothing'
let invocations = 0
let fresh = ''

beforeSnapshot(async () => {
  await Promise.resolve()
  prepared = `for ${process.env.WHO ?? 'nobody'}`
})

onInvoke(async (env, ctx) => {
  await Promise.resolve()
  invocations++
  fresh = `${env.WHO ?? ''} ${ctx.functionName}`
})

export default {
  queue(batch, _env, ctx) {
    for (const message of batch.messages) {
      const body = message.json()
      console.log(`${batch.queue} ${message.attempts} ${JSON.stringify(body)}`)
      if (body === 'later') message.retry({ delaySeconds: 7 })
      if (body === 'wait') ctx.waitUntil(Promise.resolve().then(() => message.retry()))
      if (body === 'done') message.ack()
      if (body === 'throw') throw new TypeError('outer', { cause: new RangeError('inner') })
    }
  },
  async stream(batch) {
    await Promise.resolve()
    for (const record of batch.records) {
      console.log(`${batch.stream} ${record.partitionKey} ${record.text()} ${record.data.length}`)
      if (record.text() === 'bad') record.retry()
    }
  },
  scheduled(event) {
    console.log(`${event.schedule} ${event.cron} ${new Date(event.scheduledTime).toISOString()}`)
    if (event.cron === 'never') throw new Error('never')
  },
} satisfies ExportedHandler

export const handler = (_event: unknown, context: LambdaContext): unknown => ({
  prepared,
  invocations,
  fresh,
  context: { ...context, awsRequestId: context.awsRequestId.length, logStreamName: context.logStreamName.length > 0 },
})
