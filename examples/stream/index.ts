// A reader of a stream: records of one key come in their order, and what fails holds back those behind it. Try it:
//   ampoule invoke stream --event stream --data '[{"key":"visitor-1","data":{"page":"/"}}, {"key":"visitor-1","data":{"page":"/about"}}]'
import type { ExportedHandler } from '@ampoule/guest'

interface View {
  readonly page: string
}

export default {
  stream(batch) {
    for (const record of batch.records) {
      const { page } = record.json() as View
      console.log(`${batch.shard}: ${record.partitionKey} has seen ${page}`)
    }
  },
  fetch: () => new Response('A reader of a stream: see examples/stream/index.ts for how to give it records.\n'),
} satisfies ExportedHandler
