// A scheduled report. The table is made once, at deployment; every run starts from it. Try it:
//   ampoule invoke cron --event scheduled --data '{"cron":"0 6 * * *","time":"2026-01-05T06:00:00Z"}'
import { beforeSnapshot, onInvoke, type ExportedHandler } from '@ampoule/guest'

const squares: number[] = []
let run = ''

beforeSnapshot(() => {
  for (let n = 0; n < 1000; n++) squares.push(n * n)
})

// In the snapshot this would be the same for every run.
onInvoke(() => {
  run = crypto.randomUUID()
})

export default {
  scheduled(event) {
    const day = new Date(event.scheduledTime).toISOString().slice(0, 10)
    console.log(`report of ${day} (${event.cron}), run ${run}: ${squares.length} squares, the last is ${squares.at(-1)}`)
  },
  fetch: () => Response.json({ run, squares: squares.length }),
} satisfies ExportedHandler
