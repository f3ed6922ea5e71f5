import { describe, expect, test } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { Invocation } from '../../src/invoke/invocation.ts'
import { MAX_BYTES, MAX_LINE_LENGTH, MAX_LINES } from '../../src/observe/invocation-log.ts'
import type { LogRecord, ObservedRecord } from '../../src/observe/records.ts'

function open(reports: 'all' | 'failures' = 'all') {
  const records: ObservedRecord[] = []
  let now = 1000
  const invocation = new Invocation('f', { observe: (record) => void records.push(record), reports, now: () => now })
  const logs = () => records.filter((record): record is LogRecord => record.type === 'log')
  return { invocation, records, logs, pass: (ms: number) => void (now += ms) }
}

describe('an invocation', () => {
  test('has an id of its own', () => {
    expect(open().invocation.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(open().invocation.requestId).not.toBe(open().invocation.requestId)
  })

  test('tells each listener of an abort once, and none that was removed', () => {
    const { invocation } = open()
    const heard: string[] = []
    const removed = (): void => void heard.push('removed')
    invocation.signal.addEventListener('abort', removed)
    invocation.signal.addEventListener('abort', () => heard.push('kept'))
    invocation.signal.removeEventListener('abort', removed)
    invocation.abort(new AmpouleError('Cancelled', 'gone'))
    invocation.abort(new AmpouleError('Cancelled', 'gone again'))
    expect(heard).toEqual(['kept'])
  })

  test('gives an aborted signal even when nobody asked for it before the abort', () => {
    const { invocation } = open()
    const reason = new AmpouleError('Cancelled', 'gone')
    invocation.abort(reason)
    expect(invocation.signal.aborted).toBe(true)
    expect(invocation.abortReason).toBe(reason)
  })

  test('keeps the first reason and takes none after its end', () => {
    const { invocation } = open()
    const first = new AmpouleError('Cancelled', 'gone')
    invocation.abort(first)
    invocation.abort(new AmpouleError('ShuttingDown', 'going'))
    expect(invocation.abortReason).toBe(first)
    const ended = open().invocation
    ended.end(undefined, undefined)
    ended.abort(first)
    expect(ended.signal.aborted).toBe(false)
  })

  test('reports once, with how it ended and how long it took', () => {
    const { invocation, records, pass } = open()
    pass(42)
    invocation.end(new AmpouleError('DeadlineExceeded', 'late'), undefined)
    invocation.end(undefined, undefined)
    expect(records).toEqual([
      expect.objectContaining({
        type: 'report',
        outcome: 'DeadlineExceeded',
        durationMs: 42,
        message: 'late',
        requestId: invocation.requestId,
      }),
    ])
  })

  test('that went well is not reported when only failures are', () => {
    const { invocation, records } = open('failures')
    invocation.end(undefined, undefined)
    expect(records).toEqual([])
  })

  test("tells the operator what lies behind a failure of the host, and of a guest's only the message", () => {
    const host = open()
    host.invocation.end(new AmpouleError('Internal', 'the host failed', { cause: new Error('disk on fire') }), undefined)
    expect(host.records[0]).toMatchObject({ message: expect.stringContaining('disk on fire') as string })
    const guest = open()
    guest.invocation.end(new AmpouleError('FunctionTrapped', 'unreachable', { cause: new Error('frames') }), undefined)
    expect(guest.records[0]).toMatchObject({ message: 'unreachable' })
  })
})

describe('the log of an invocation', () => {
  test('has one record per line, with function and request id', () => {
    const { invocation, logs } = open()
    invocation.log('stdout', 'one')
    invocation.log('stderr', 'two')
    expect(logs()).toEqual([
      { type: 'log', time: 1000, function: 'f', requestId: invocation.requestId, stream: 'stdout', message: 'one' },
      { type: 'log', time: 1000, function: 'f', requestId: invocation.requestId, stream: 'stderr', message: 'two' },
    ])
  })

  test('ends after its number of lines and says how many were dropped', () => {
    const { invocation, logs } = open()
    for (let line = 0; line < MAX_LINES + 234; line++) invocation.log('stdout', 'x')
    invocation.end(undefined, undefined)
    expect(logs()).toHaveLength(MAX_LINES + 1)
    expect(logs().at(-1)?.message).toMatch(/^234 lines \(234 characters\) were dropped/)
  })

  test('ends after its number of bytes and says how many were dropped', () => {
    const { invocation, logs } = open()
    for (let line = 0; line < 100; line++) invocation.log('stdout', 'x'.repeat(10_000))
    invocation.end(undefined, undefined)
    const kept = Math.floor(MAX_BYTES / 10_000)
    expect(logs()).toHaveLength(kept + 1)
    expect(logs().at(-1)?.message).toContain(`${100 - kept} lines (${(100 - kept) * 10_000} characters) were dropped`)
  })

  test('cuts a line that is too long and says by how much', () => {
    const { invocation, logs } = open()
    invocation.log('stdout', 'x'.repeat(MAX_LINE_LENGTH + 5))
    expect(logs()[0]?.message).toMatch(/x… \(5 more\)$/)
  })
})
