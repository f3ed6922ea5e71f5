import { expect, test } from 'vitest'
import { mayUseTools } from '../../src/dev/access.ts'

const request = (headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
  mayUseTools({
    headers: { host: 'localhost:8080', 'x-ampoule-dev': '1', ...headers },
    socket: { remoteAddress } as Parameters<typeof mayUseTools>[0]['socket'],
  })

test.each([
  ['by localhost', {}],
  ['by an address of IPv4', { host: '127.0.0.1:8080' }],
  ['by an address of IPv6', { host: '[::1]:8080' }],
  ['from a page of this machine', { origin: 'http://localhost:3000' }],
])('the tools of development may be used %s', (_, headers) => {
  expect(request(headers)).toBe(true)
})

test.each([
  ['by a name that only points to this machine', { host: 'evil.example:8080' }],
  ['by a name that looks like this machine', { host: '127.0.0.1.evil.example' }],
  ['from a page of another site', { origin: 'https://evil.example' }],
  ['from a page without an origin', { origin: 'null' }],
])('the tools of development may not be used %s', (_, headers) => {
  expect(request(headers)).toBe(false)
})

test('the tools of development may not be used from another machine, nor without their header', () => {
  expect(request({}, '10.0.0.7')).toBe(false)
  const socket = { remoteAddress: '::1' } as Parameters<typeof mayUseTools>[0]['socket']
  expect(mayUseTools({ headers: { host: 'localhost' }, socket })).toBe(false)
})
