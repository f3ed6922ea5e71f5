import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventForm } from '../../src/component/contract.ts'
import { decodeBatchAnswer, failuresAfter } from '../../src/invoke/batch-answer.ts'
import {
  encodeQueueEvent,
  encodeScheduledEvent,
  encodeStreamEvent,
  type QueueBatch,
  type StreamBatch,
} from '../../src/invoke/batch-event.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'
import { GuestError } from '../../src/invoke/failure.ts'
import { decodeMessage, encodeMessage, MalformedMessage } from '../../src/invoke/message.ts'

const origin = { id: 'r', functionName: 'f', deadlineMs: 9 }
const base = { id: 'r', fn: 'f', deadline: 9 }
const ids = ['a', 'b', 'c']

const sealed = (head: unknown): Uint8Array => encodeMessage([JSON.stringify(head), null])
const forms: readonly (readonly [EventForm, (answer: unknown) => Uint8Array])[] = [
  ['json', sealed],
  ['msgpack', encodeMessage],
]

describe('events of batches', () => {
  const batch: QueueBatch = {
    queue: 'q',
    messages: [
      { id: 'a', timestampMs: 1, attempts: 2, body: 'é', attributes: { k: 'v' }, group: 'g', deduplication: 'd', sequence: '7' },
      { id: 'b', timestampMs: 1, attempts: 1, body: Buffer.from('text') },
      { id: 'c', timestampMs: 1, attempts: 1, body: new Uint8Array([0xff, 0]) },
      { id: 'd', timestampMs: 1, attempts: 1, body: new Uint8Array([0xfe]) },
    ],
  }
  const stream: StreamBatch = {
    stream: 's',
    shard: 'x',
    records: [
      { id: '1', key: 'k', timestampMs: 5, data: new Uint8Array([1]) },
      { id: '2', key: 'k', timestampMs: 5, data: new Uint8Array([2, 3]) },
    ],
  }

  test('have the keys and types of docs/events.md in the form msgpack', () => {
    expect(decodeMessage(encodeQueueEvent(origin, batch, 'msgpack'))).toEqual({
      ...base,
      type: 'queue',
      queue: 'q',
      messages: [
        { id: 'a', timestamp: 1, attempts: 2, body: 'é', attributes: { k: 'v' }, group: 'g', deduplication: 'd', sequence: '7' },
        { id: 'b', timestamp: 1, attempts: 1, body: 'text' },
        { id: 'c', timestamp: 1, attempts: 1, body: Buffer.from([0xff, 0]) },
        { id: 'd', timestamp: 1, attempts: 1, body: Buffer.from([0xfe]) },
      ],
    })
    expect(decodeMessage(encodeStreamEvent(origin, stream, 'msgpack'))).toEqual({
      ...base,
      type: 'stream',
      stream: 's',
      shard: 'x',
      records: [
        { id: '1', key: 'k', timestamp: 5, data: Buffer.from([1]) },
        { id: '2', key: 'k', timestamp: 5, data: Buffer.from([2, 3]) },
      ],
    })
    expect(decodeMessage(encodeScheduledEvent(origin, { schedule: 'n', cron: 'c', timeMs: 3 }, 'msgpack'))).toEqual({
      ...base,
      type: 'scheduled',
      schedule: 'n',
      cron: 'c',
      time: 3,
    })
  })

  test('carry bytes beside the head in the form json, one after the other', () => {
    const { head, body } = decodeEnvelope(encodeQueueEvent(origin, batch, 'json'))
    expect(body).toEqual(Buffer.from([0xff, 0, 0xfe]))
    expect(head).toMatchObject({
      messages: [
        { body: 'é', md5: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
        { body: 'text', md5: '1cb251ec0d568de6a929b520c4aed8d1' },
        { bytes: 2 },
        { bytes: 1 },
      ],
    })
    expect(decodeEnvelope(encodeStreamEvent(origin, stream, 'json'))).toMatchObject({
      head: { records: [{ bytes: 1 }, { bytes: 2 }] },
      body: Buffer.from([1, 2, 3]),
    })
    expect(decodeEnvelope(encodeScheduledEvent(origin, { schedule: 'n', cron: 'c', timeMs: 3 }, 'json')).body).toBeNull()
  })
})

describe.each(forms)('the answer to a batch in the form %s', (form, seal) => {
  const read = (answer: unknown): unknown => decodeBatchAnswer(seal(answer), form, ids)

  test('names what comes again, each id once', () => {
    expect(read({})).toEqual([])
    expect(read({ failures: null })).toEqual([])
    expect(read({ failures: [{ id: 'b', delay: 1.5, more: 1 }, { id: 'a', delay: null }, { id: 'b' }] })).toEqual([
      { id: 'b', delaySeconds: 1.5 },
      { id: 'a' },
    ])
  })

  test.each([
    [{ failures: {} }, '"failures" is an object and not a list'],
    [{ failures: ['a'] }, 'failures[0] is a string and not an object'],
    [{ failures: [{}] }, '"id" of failures[0] is missing'],
    [{ failures: [{ id: 'a' }, { id: 'x' }] }, '"id" of failures[1] is "x", which is not in the batch'],
    [{ failures: [{ id: 'a', delay: -1 }] }, '"delay" of failures[0] is no number of seconds'],
    [{ failures: [{ id: 'a', delay: 43_201 }] }, '"delay" of failures[0] is no number of seconds'],
    [{ failures: [{ id: '__proto__' }] }, 'not in the batch'],
  ])('is refused as %j', (answer, said) => {
    expect(() => read(answer)).toThrow(MalformedMessage)
    expect(() => read(answer)).toThrow(said)
  })

  test.each([
    ['nothing', null],
    ['an object without batchItemFailures', { statusCode: 200 }],
    ['null', { batchItemFailures: null }],
    ['an empty list', { batchItemFailures: [] }],
  ])('of a Lambda handler is a success with %s', (_, payload) => {
    expect(read({ payload })).toEqual([])
  })

  test('of a Lambda handler names items', () => {
    expect(read({ payload: { batchItemFailures: [{ itemIdentifier: 'c' }] } })).toEqual([{ id: 'c' }])
  })

  test.each([
    ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }, 'is empty'],
    ['a null identifier', { batchItemFailures: [{ itemIdentifier: null }] }, 'is null'],
    ['a wrong key', { batchItemFailures: [{ id: 'a' }] }, 'is missing'],
    ['an unknown identifier', { batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'z' }] }, 'not in the batch'],
    ['no list', { batchItemFailures: 'a' }, 'is a string and not a list'],
    ['a result that is no object', 'done', 'must return nothing or { batchItemFailures'],
  ])('of a Lambda handler fails the whole batch with %s', (_, payload, said) => {
    expect(() => read({ payload })).toThrow(said)
  })

  test('is an answer or refused, whatever the bytes are', () => {
    const isAnswerOrRefused = (payload: Uint8Array): boolean => {
      try {
        return decodeBatchAnswer(payload, form, ids).every(({ id }) => ids.includes(id))
      } catch (error) {
        return error instanceof MalformedMessage
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.jsonValue(), (bytes, value) => {
        const answers = [bytes, seal(value), seal({ failures: value }), seal({ payload: value })]
        expect(answers.every(isAnswerOrRefused)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('after a failure', () => {
  const details = { name: 'Error', message: '', stack: '' }

  test('the whole batch comes again, save what the function had acknowledged', () => {
    expect(failuresAfter(new Error('host'), ids)).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
    expect(failuresAfter(new GuestError(details), ids)).toHaveLength(3)
    expect(failuresAfter(new GuestError(details, [{ id: 'b', delay: 3 }]), ids)).toEqual([{ id: 'b', delaySeconds: 3 }])
  })

  test('what the function says of it is not believed unless all of it is right', () => {
    expect(failuresAfter(new GuestError(details, [{ id: 'b' }, { id: 'z' }]), ids)).toHaveLength(3)
    expect(failuresAfter(new GuestError(details, 'none'), ids)).toHaveLength(3)
  })
})
