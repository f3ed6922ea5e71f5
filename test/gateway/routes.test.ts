import { describe, expect, test } from 'vitest'
import { readConfiguration } from '../../src/functions/configuration.ts'
import { Routes } from '../../src/gateway/routes.ts'
import type { HostedFunction } from '../../src/invoke/invoke.ts'

/** Functions that are only ever found, never run. */
function routes(functions: Readonly<Record<string, readonly (string | object)[]>>): Routes {
  const text = JSON.stringify({
    functions: Object.fromEntries(Object.entries(functions).map(([name, routes]) => [name, { component: 'x', routes }])),
  })
  const hosted = readConfiguration(text, { file: 'test' }).functions.map((settings): [string, HostedFunction] => [
    settings.name,
    {
      settings,
      get runner(): never {
        throw new Error('routing must not need a runner')
      },
    },
  ])
  return new Routes(new Map(hosted))
}

const to = (table: Routes, url: string, host?: string) => {
  const match = table.match(url, host)
  return match === undefined ? undefined : [match.target.settings.name, match.prefix, match.pathWithQuery]
}

describe('functions by name', () => {
  const table = routes({ hello: [], 'hello-2': [] })

  test.each([
    ['/hello', 'hello', '/'],
    ['/hello/', 'hello', '/'],
    ['/hello/a/b', 'hello', '/a/b'],
    ['/hello?x=1', 'hello', '/?x=1'],
    ['/hello/a?x=/b', 'hello', '/a?x=/b'],
    ['/hello-2/a', 'hello-2', '/a'],
    ['/hello//a', 'hello', '//a'],
  ])('%s goes to %s as %s', (url, name, path) => {
    expect(to(table, url, 'any')).toEqual([name, `/${name}`, path])
  })

  test.each(['/', '/hell', '/hello3', '//hello', '/Hello', '/?/hello', '*', '', 'hello', '/a/hello'])(
    '%j goes nowhere',
    (url) => {
      expect(to(table, url, 'any')).toBeUndefined()
    },
  )

  test("an absolute URL is routed by its path, and by its own host rather than the header's", () => {
    const table = routes({ a: ['a.test/*'], b: ['b.test/*'] })
    expect(to(table, 'http://a.test/x?y', 'b.test')).toEqual(['a', '', '/x?y'])
    expect(to(table, 'http://a.test', 'b.test')).toEqual(['a', '', '/'])
    expect(to(table, 'http://c.test/b/x', 'a.test')).toEqual(['b', '/b', '/x'])
  })
})

describe('routes of the configuration', () => {
  test('leave the path as it is', () => {
    expect(to(routes({ f: ['/v1/*'] }), '/v1/a?b')).toEqual(['f', '', '/v1/a?b'])
  })

  test('with /* cover the path itself and what is below it, not what only begins alike', () => {
    const table = routes({ f: ['/v1/*'] })
    expect(to(table, '/v1')).toEqual(['f', '', '/v1'])
    expect(to(table, '/v1/')).toEqual(['f', '', '/v1/'])
    expect(to(table, '/v12')).toBeUndefined()
  })

  test('without /* cover exactly their path', () => {
    const table = routes({ f: ['/status'] })
    expect(to(table, '/status?x')).toEqual(['f', '', '/status?x'])
    expect(to(table, '/status/')).toBeUndefined()
  })

  test('are chosen by specificity: exact before longer before shorter prefix, whatever their order', () => {
    const table = routes({ all: ['/*'], v1: ['/v1/*'], deep: ['/v1/a/*'], exact: ['/v1/a/b'] })
    expect(to(table, '/x')?.[0]).toBe('all')
    expect(to(table, '/v1/x')?.[0]).toBe('v1')
    expect(to(table, '/v1/a/x')?.[0]).toBe('deep')
    expect(to(table, '/v1/a/b')?.[0]).toBe('exact')
  })

  test('that catch everything leave functions reachable by name', () => {
    const table = routes({ site: ['/*'], api: [] })
    expect(to(table, '/api/x')).toEqual(['api', '/api', '/x'])
    expect(to(table, '/apix')).toEqual(['site', '', '/apix'])
    expect(to(table, '/')).toEqual(['site', '', '/'])
  })

  test("go before another function's name when they are equal to it", () => {
    expect(to(routes({ a: [], b: ['/a/*'] }), '/a/x')).toEqual(['b', '', '/a/x'])
  })

  test('of a host go before those of any host; the exact host before the longer wildcard before the shorter', () => {
    const table = routes({ any: ['/*'], wide: ['*.test'], narrow: ['*.b.test'], exact: ['a.b.test'] })
    expect(to(table, '/x', 'a.b.test')?.[0]).toBe('exact')
    expect(to(table, '/x', 'c.b.test')?.[0]).toBe('narrow')
    expect(to(table, '/x', 'd.c.b.test')?.[0]).toBe('narrow')
    expect(to(table, '/x', 'c.test')?.[0]).toBe('wide')
    expect(to(table, '/x', 'test')?.[0]).toBe('any')
    expect(to(table, '/x', undefined)?.[0]).toBe('any')
  })

  test('compare hosts without case and port', () => {
    expect(to(routes({ f: ['Api.Test/*'] }), '/x', 'aPI.tEST:8080')?.[0]).toBe('f')
  })

  test('of a host that have no such path fall back to any host', () => {
    expect(to(routes({ f: ['a.test/only'], g: [] }), '/g/x', 'a.test')).toEqual(['g', '/g', '/x'])
  })

  test('are found at once in a path of a million segments', () => {
    const table = routes({ f: ['/a/b/*'] })
    expect(to(table, `/a/b${'/x'.repeat(1e6)}`)?.[0]).toBe('f')
    expect(to(table, '/x'.repeat(1e6))).toBeUndefined()
  })
})
