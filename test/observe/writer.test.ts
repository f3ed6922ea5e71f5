import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { formatJson, formatText } from '../../src/observe/format.ts'
import type { ObservedRecord } from '../../src/observe/records.ts'
import { createWriter, MAX_WAITING_BYTES } from '../../src/observe/writer.ts'

const line = (message: string): ObservedRecord => ({
  type: 'log',
  time: 0,
  function: 'f',
  requestId: 'id',
  stream: 'stdout',
  message,
})

/** A stream whose reader takes nothing until `release` is called. */
function slowStream() {
  const written: string[] = []
  const held: (() => void)[] = []
  let open = false
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      written.push(chunk)
      if (open) done()
      else held.push(done)
    },
  })
  return {
    stream,
    written,
    release: () => {
      open = true
      for (const done of held.splice(0)) done()
    },
  }
}

describe('the writer of records', () => {
  test('writes everything of one turn of the event loop at once, a line each, in order', async () => {
    const { stream, written, release } = slowStream()
    release()
    const writer = createWriter(stream, formatText)
    for (const message of ['a', 'b', 'c']) writer.observe(line(message))
    await writer.flush()
    expect(written).toEqual(['00:00:00.000 f id | a\n00:00:00.000 f id | b\n00:00:00.000 f id | c\n'])
  })

  test('drops records when the reader is too slow, holds no more than its limit, and says how many were dropped', async () => {
    const { stream, written, release } = slowStream()
    const writer = createWriter(stream, formatText)
    for (let count = 0; count < 1000; count++) writer.observe(line('x'.repeat(10_000)))
    const flushed = writer.flush()
    expect(stream.writableLength).toBeLessThan(MAX_WAITING_BYTES + 20_000)
    release()
    await flushed
    writer.observe(line('after'))
    await writer.flush()
    const all = written.join('')
    const kept = all.match(/x{10000}\n/g)?.length ?? 0
    expect(all).toContain(`${1000 - kept} log lines were dropped`)
    expect(all).toContain('| after\n')
  })
})

describe('lines for people', () => {
  test('a guest can neither begin a line of its own nor send control codes to the terminal', () => {
    const text = formatText(line('a\nampoule forged\r\u001B[2J\u009B1m\u2028b\tc'))
    expect(text).toBe('00:00:00.000 f id | a\\u000aampoule forged\\u000d\\u001b[2J\\u009b1m\\u2028b\tc')
  })
})

describe('lines for machines', () => {
  test('are JSON with an ISO time, one line whatever the guest wrote', () => {
    const text = formatJson(line('a\nb'))
    expect(text).not.toContain('\n')
    expect(JSON.parse(text)).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      type: 'log',
      function: 'f',
      requestId: 'id',
      stream: 'stdout',
      message: 'a\nb',
    })
  })

  test("hold an invocation's figures beside its outcome", () => {
    const report = { queueMs: 1, guestMs: 2, restoreMs: 3, fuelUsed: 4n, memoryBytes: 5, fresh: true }
    const text = formatJson({
      type: 'report',
      time: 0,
      function: 'f',
      requestId: 'id',
      outcome: 'ok',
      durationMs: 6,
      message: undefined,
      report,
    })
    expect(JSON.parse(text)).toMatchObject({ outcome: 'ok', durationMs: 6, fuelUsed: 4, fresh: true })
  })
})
