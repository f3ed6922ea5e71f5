import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readConfiguration } from '../../src/functions/configuration.ts'
import { ConfigurationError } from '../../src/functions/problems.ts'
import { FUEL_PER_MS, toSpec } from '../../src/functions/settings.ts'

const read = (text: string, exists?: (path: string) => boolean) =>
  readConfiguration(text, { file: 'ampoule.jsonc', ...(exists === undefined ? {} : { exists }) })

function failure(text: string, exists?: (path: string) => boolean): ConfigurationError | undefined {
  try {
    read(text, exists)
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
  return undefined
}

/** The mistakes as `line:column message`. */
const mistakes = (text: string, exists?: (path: string) => boolean): string[] =>
  (failure(text, exists)?.problems ?? []).map(({ line, column, message }) => `${line}:${column} ${message}`)

/** A configuration with one function `f` that has these settings. */
const withFunction = (settings: object) => JSON.stringify({ functions: { f: { component: 'f.wasm', ...settings } } })

describe('what is left out', () => {
  const { host, functions } = read('{ "functions": { "hello": { "component": "hello.wasm" } } }')

  test("a function gets AWS Lambda's defaults: 3 s, 128 MB, 6 MB payloads, an empty environment", () => {
    const [settings] = functions
    expect(settings).toMatchObject({ name: 'hello', timeoutMs: 3000, memoryMb: 128, environment: [], routes: [] })
    expect(settings && toSpec(settings, host).limits).toEqual({
      memoryMb: 128,
      timeoutMs: 3000,
      fuel: BigInt(3000 * FUEL_PER_MS),
      maxRequestBytes: 6_291_456,
      maxResponseBytes: 6_291_456,
    })
  })

  test('the host listens on 127.0.0.1:8080 and leaves lanes and memory to the machine', () => {
    expect(host).toMatchObject({ port: 8080, host: '127.0.0.1', lanes: undefined, memoryCeilingMb: undefined })
  })

  test("the fuel budget follows the timeout, and a function's payload limit the host's", () => {
    const { host, functions } = read(
      '{ "maxRequestBytes": 10, "functions": { "a": { "component": "a", "timeoutMs": 7 }, "b": { "component": "b", "maxRequestBytes": 20, "fuel": 5000 } } }',
    )
    expect(functions.map((settings) => toSpec(settings, host).limits)).toMatchObject([
      { fuel: BigInt(7 * FUEL_PER_MS), maxRequestBytes: 10 },
      { fuel: 5000n, maxRequestBytes: 20 },
    ])
  })
})

describe('what is accepted', () => {
  test('comments, trailing commas and $schema', () => {
    expect(read('// one\n{ "$schema": "x", /* two */ "functions": { "a": { "source": "a.ts", }, }, }').functions).toHaveLength(1)
  })

  test.each([
    ['memoryMb', 16],
    ['memoryMb', 4096],
    ['timeoutMs', 1],
    ['timeoutMs', 900_000],
    ['concurrency', 1],
    ['minInstances', 0],
  ])('%s of %d, at its bound', (key, value) => {
    expect(mistakes(withFunction({ [key]: value, ...(key === 'concurrency' ? { minInstances: 0 } : {}) }))).toEqual([])
  })

  test('an environment of exactly 4 KB, names included, but not one byte more', () => {
    expect(mistakes(withFunction({ environment: { NAME: 'x'.repeat(4092) } }))).toEqual([])
    expect(mistakes(withFunction({ environment: { NAME: 'x'.repeat(4093) } }))).toEqual([
      expect.stringContaining('takes 4097 bytes: names and values together must take at most 4096 bytes'),
    ])
    expect(mistakes(withFunction({ environment: { NAME: 'é'.repeat(2047) } }))).toEqual([
      expect.stringContaining('takes 4098 bytes'),
    ])
  })

  test('routes as text and as objects, with hosts in lower case', () => {
    const { functions } = read(
      withFunction({ routes: ['/v1/*', 'API.example.com', '*.example.org/x', { host: 'h', path: '/p' }, { path: '/q' }] }),
    )
    expect(functions[0]?.routes).toEqual([
      { host: undefined, path: '/v1/*' },
      { host: 'api.example.com', path: '/*' },
      { host: '*.example.org', path: '/x' },
      { host: 'h', path: '/p' },
      { host: undefined, path: '/q' },
    ])
  })

  test('the configuration of the examples', () => {
    expect(mistakes(readFileSync(new URL('../../examples/ampoule.jsonc', import.meta.url), 'utf8'))).toEqual([])
  })
})

describe('what is refused', () => {
  test('every mistake is reported at once, in the order of the text, each with line and column', () => {
    const text = `{
  "prot": 80,
  "lanes": 0,
  "functions": {
    "one": { "source": "a.ts", "memoryMb": 8, "timeout": 5 },
    "t w o": { "component": "b.wasm" },
    "three": {}
  }
}`
    expect(mistakes(text)).toEqual([
      expect.stringMatching(/^2:3 prot is not a known setting\. Did you mean "port"\? Known: port, /),
      '3:12 lanes is 0: it must be an integer from 1 to 256.',
      '5:44 functions.one.memoryMb is 8: it must be an integer from 16 to 4096 (MiB).',
      expect.stringMatching(/^5:47 functions\.one\.timeout is not a known setting\. Did you mean "timeoutMs"\?/),
      '6:5 functions["t w o"]: a function\'s name must be 1 to 64 of the letters a-z and A-Z, digits, "-" and "_".',
      '7:5 functions.three has neither source nor component: give one of them.',
    ])
  })

  test('the message of the error names the file and all mistakes, and the exit code is 2', () => {
    const error = failure('{ "functions": { "a": { "memoryMb": 1 } } }')
    expect(error?.message).toMatch(/^2 mistakes in the configuration\nampoule\.jsonc:1:18 .*\nampoule\.jsonc:1:37 /)
    expect(error?.kind.exitCode).toBe(2)
  })

  test.each([
    ['memoryMb', 4097, 'from 16 to 4096'],
    ['memoryMb', 128.5, 'an integer'],
    ['memoryMb', '128', 'is "128"'],
    ['timeoutMs', 900_001, 'from 1 to 900000'],
    ['concurrency', 0, 'from 1 to'],
    ['source', '', 'a path'],
    ['kind', 'evnt', 'Did you mean "event"?'],
    ['environment', ['a'], 'is a list'],
    ['routes', '/a', 'a list of routes'],
  ])('%s of %j', (key, value, expected) => {
    const found = mistakes(withFunction({ component: undefined, source: 'a.ts', [key]: value }))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('source together with component, and engine with a component', () => {
    expect(mistakes(withFunction({ source: 'a.ts' }))).toEqual([
      expect.stringContaining('functions.f has both source and component'),
    ])
    expect(mistakes(withFunction({ engine: 'quickjs' }))).toEqual([expect.stringContaining('functions.f.engine is for source')])
  })

  test('more minimum instances than invocations at once', () => {
    expect(mistakes(withFunction({ minInstances: 5, concurrency: 4 }))).toEqual([
      expect.stringContaining('must not be above concurrency (4)'),
    ])
  })

  test('a file that is not there', () => {
    expect(mistakes(withFunction({}), () => false)).toEqual([
      expect.stringContaining('functions.f.component is "f.wasm": there is no such file'),
    ])
  })

  test('the same key twice, where JSON would silently take the last', () => {
    expect(mistakes('{ "functions": { "a": { "source": "a", "source": "b" }, "a": { "source": "c" } } }')).toEqual([
      '1:40 functions.a.source is given twice.',
      '1:57 functions.a is given twice.',
    ])
  })

  test('the same route of two functions', () => {
    const text =
      '{ "functions": { "a": { "component": "a", "routes": ["/x/*"] }, "b": { "component": "b", "routes": [{ "path": "/x/*" }] } } }'
    expect(mistakes(text)).toEqual([expect.stringContaining('functions.b.routes: "/x/*" already goes to "a"')])
  })

  test.each(['/a*', '/a/*/b', 'http://x/y', '/../a', '/_ampoule/x', 'a b/c', '/a?b', 'host:80/x'])('the route %j', (route) => {
    expect(mistakes(withFunction({ routes: [route] }))).toEqual([expect.stringMatching(/functions\.f\.routes\[0\]: /)])
  })

  test("the host's own path segment as a name", () => {
    expect(mistakes('{ "functions": { "_ampoule": { "component": "a" } } }')).toEqual([
      '1:18 functions._ampoule: this name belongs to the host.',
    ])
  })

  test("a variable that is no string, without showing other variables' values", () => {
    const found = mistakes(withFunction({ environment: { SECRET: 'hunter2', PORT: 80, '1X': 'hunter3', NUL: 'a\0b' } }))
    expect(found).toHaveLength(3)
    expect(found.join('\n')).not.toContain('hunter')
    expect(found.join('\n')).toContain('functions.f.environment.PORT is a number: it must be a string.')
  })

  test.each(['', '[]', '3', '{', '{ "functions": [] }', '{}', '{ "functions": { "a": ', '{ "functions": { "a": 3 } }'])(
    'the text %j',
    (text) => {
      expect(mistakes(text).length).toBeGreaterThan(0)
    },
  )

  test('a syntax error, with its place', () => {
    expect(mistakes('{\n  "functions": {\n    "a": { "source" "x" }\n  }\n}')).toEqual(
      expect.arrayContaining(['3:21 not valid JSON with comments: colon expected.']),
    )
  })

  test('names that only look like members of every object', () => {
    expect(mistakes('{ "constructor": 1, "functions": { "a": { "component": "a", "toString": 2 } } }')).toEqual([
      expect.stringContaining('constructor is not a known setting'),
      expect.stringContaining('functions.a.toString is not a known setting'),
    ])
  })
})
