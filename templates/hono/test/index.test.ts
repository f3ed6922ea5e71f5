import { load } from '@ampoule/guest/testing'
import { expect, test } from 'vitest'

// Each call runs in a sandbox of its own, as it does in the host.
const fn = await load('./src/index.ts', { environment: { GREETING: 'Good morning' } })

test('greets by name', async () => {
  const response = await fn.fetch('/?name=Ada')
  expect(await response.json()).toEqual({ message: 'Good morning, Ada!' })
})

test('takes an item', async () => {
  const response = await fn.fetch('/items', { method: 'POST', body: JSON.stringify({ size: 3 }) })
  expect(response.status).toBe(201)
  expect(await response.json()).toEqual({ item: { size: 3 } })
})
