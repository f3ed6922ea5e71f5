// A reader of a stream: records of one key come in their order, and one that fails holds back those behind it. Try it:
//   ampoule invoke stream --event stream --data '[{"key":"visitor-1","data":{"page":"/"}}, {"key":"visitor-1","data":{"page":"/about"}}]'
import type { ExportedHandler, StreamRecord } from '@ampoule/guest'

interface View {
  readonly page: string
}

function count(record: StreamRecord, shard: string): void {
  try {
    const { page } = record.json() as View
    console.log(`${shard}: ${record.partitionKey} has seen ${page}`)
  } catch (error) {
    // It would fail each time, and hold back what comes behind it.
    console.error(`passed over ${record.sequenceNumber}: ${String(error)}`)
  }
}

export default {
  stream(batch) {
    for (const record of batch.records) count(record, batch.shard)
  },
  fetch: () => new Response('A reader of a stream: see examples/stream/index.ts for how to give it records.\n'),
} satisfies ExportedHandler
