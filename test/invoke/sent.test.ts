import { describe, expect, test } from 'vitest'
import type { EventForm } from '../../src/component/contract.ts'
import { encodeMessage, MalformedMessage } from '../../src/invoke/message.ts'
import { decodeSent, senderOf, sentInExchange, type SentMessage } from '../../src/invoke/sent.ts'

const forms: readonly (readonly [EventForm, (answer: unknown) => Uint8Array])[] = [
  ['json', (head) => encodeMessage([JSON.stringify(head), null])],
  ['msgpack', encodeMessage],
]
const exchange = (...strings: string[]) => sentInExchange(strings.map((text) => Buffer.from(text)))

describe.each(forms)('what an answer of the form %s sends', (form, seal) => {
  test('is read with its queues, in order', () => {
    const sent = [{ queue: 'a', body: 'x', attributes: { k: 'v' } }, { queue: 'b', body: 'y', delaySeconds: 5 }] // prettier-ignore
    expect(decodeSent(seal({ payload: 1, sent }), form)).toEqual([
      { queue: 'a', message: { body: 'x', attributes: { k: 'v' } } },
      { queue: 'b', message: { body: 'y', delaySeconds: 5 } },
    ])
    expect(decodeSent(seal({ payload: 1 }), form)).toEqual([])
    expect(decodeSent(seal({ payload: 1, sent: null }), form)).toEqual([])
  })

  test.each([
    [{}, '"sent" is no list'],
    ['text', '"sent" is no list'],
    [[1], 'sent[0] is no map'],
    [[[]], 'sent[0] is no map'],
    [[{ queue: 'a' }, { body: 'x' }], '"queue" of sent[1] is no name'],
    [[{ queue: '' }], '"queue" of sent[0] is no name'],
    [Array.from({ length: 1_001 }, () => ({ queue: 'a' })), 'has 1001 messages, the limit of an invocation is 1000'],
  ])('is refused where it is not like that: %j', (sent, message) => {
    const read = () => decodeSent(seal({ sent }), form)
    expect(read).toThrow(MalformedMessage)
    expect(read).toThrow(message)
  })
})

describe('what an exchange sends', () => {
  test('is in a header, and never in the text', () => {
    const sent = JSON.stringify([{ queue: 'a', body: 'größe' }])
    expect(exchange('200', 'x', 'y', 'x-ampoule-sent', sent)).toEqual([{ queue: 'a', message: { body: 'größe' } }])
    expect(exchange('200', 'x', 'x-ampoule-sent', sent)).toEqual([])
    expect(exchange('200', 'x', 'y', 'text')).toEqual([])
    expect(() => exchange('200', 'x-ampoule-sent', '{')).toThrow('is not JSON')
  })
})

describe('a sender', () => {
  test('delivers to queues that are granted, all or nothing', async () => {
    const delivered: SentMessage[] = []
    const send = senderOf({ name: 'fn' as never, sends: 'a, b' }, (messages) => Promise.resolve(void delivered.push(...messages)))
    const to = (queue: string) => ({ queue, message: { body: 'x' } })
    await send?.([to('a'), to('b')])
    await expect(send?.([to('a'), to('a,')])).rejects.toMatchObject({ code: 'InvalidResponse' })
    await expect(send?.([to('')])).rejects.toMatchObject({ code: 'InvalidResponse' })
    expect(delivered).toEqual([to('a'), to('b')])
    expect(senderOf({ name: 'fn' as never, sends: undefined }, () => Promise.resolve())).toBeUndefined()
  })
})
