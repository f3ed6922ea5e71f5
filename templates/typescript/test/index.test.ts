import { load } from '@ampoule/guest/testing'
import { expect, test } from 'vitest'

// Each call runs in a sandbox of its own, as it does in the host.
const fn = await load('./src/index.ts', { environment: { GREETING: 'Good morning' } })

test('greets by name', async () => {
  const response = await fn.fetch('/?name=Ada')
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ message: 'Good morning, Ada!', path: '/' })
})
