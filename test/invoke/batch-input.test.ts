import { describe, expect, test } from 'vitest'
import { readQueueBatch, readScheduleTick, readStreamBatch } from '../../src/invoke/batch-input.ts'

const NOW = 1000

describe('a batch written by hand', () => {
  test('needs only the messages, as texts or with what matters', () => {
    const id = expect.any(String) as string
    expect(readQueueBatch(['x', { body: { n: 1 } }], NOW)).toEqual({
      queue: 'queue',
      messages: [
        { id, timestampMs: NOW, attempts: 1, body: 'x' },
        { id, timestampMs: NOW, attempts: 1, body: '{"n":1}' },
      ],
    })
    const full = { id: 'a', body: 'x', attempts: 2, timestamp: '1970-01-01T00:00:02Z', attributes: { k: 'v' }, group: 'g' }
    expect(readQueueBatch({ queue: 'q', messages: [full] }, NOW)).toEqual({
      queue: 'q',
      messages: [{ id: 'a', timestampMs: 2000, attempts: 2, body: 'x', attributes: { k: 'v' }, group: 'g' }],
    })
  })

  test('of a stream has sequence numbers in order, and bytes as base64', () => {
    expect(readStreamBatch(['x', { base64: '/w==', key: 'k' }], NOW)).toEqual({
      stream: 'stream',
      shard: 'shard-0',
      records: [
        { id: '1', key: '', timestampMs: NOW, data: Buffer.from('x') },
        { id: '2', key: 'k', timestampMs: NOW, data: Buffer.from([255]) },
      ],
    })
  })

  test('of a schedule may be nothing at all', () => {
    expect(readScheduleTick(null, NOW)).toEqual({ schedule: 'schedule', cron: '* * * * *', timeMs: NOW })
    expect(readScheduleTick({ cron: 'c', time: 5, schedule: 's' }, NOW)).toEqual({ schedule: 's', cron: 'c', timeMs: 5 })
  })

  test.each([
    [() => readQueueBatch(1, NOW), 'the batch is 1, expected a list, or an object with "messages"'],
    [() => readQueueBatch({}, NOW), 'messages is missing, expected a list'],
    [() => readQueueBatch([{}], NOW), 'messages[0].body is missing'],
    [() => readQueueBatch([{ body: 'x', attempts: 0 }], NOW), 'messages[0].attempts is 0, expected an integer from 1'],
    [
      () => readQueueBatch([{ body: 'x', attributes: { a: 1 } }], NOW),
      'messages[0].attributes is {"a":1}, expected an object of texts',
    ],
    [
      () =>
        readQueueBatch(
          [
            { body: 'x', id: 'a' },
            { body: 'x', id: 'a' },
          ],
          NOW,
        ),
      'two of messages have the id "a"',
    ],
    [() => readStreamBatch([{ data: 'x', timestamp: 'soon' }], NOW), 'records[0].timestamp is "soon", expected a time'],
    [() => readScheduleTick({ time: 1e99 }, NOW), 'time is 1e+99, expected a time'],
    [() => readScheduleTick({ cron: '' }, NOW), 'cron is "", expected a text that is not empty'],
  ])('is refused with the place and what was expected (%#)', (read, said) => {
    expect(read).toThrow(expect.objectContaining({ code: 'InvalidRequest', message: expect.stringContaining(said) as string }))
  })
})
