import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answering, configuration, DevSession } from './session.ts'

let session: DevSession

describe('a mistake in a function', () => {
  beforeAll(async () => {
    session = await DevSession.start({
      'ampoule.jsonc': configuration({ good: { source: 'good.ts' }, bad: { source: 'bad.ts' } }),
      'good.ts': answering('good'),
      'bad.ts': 'export default { fetch( }\n',
    })
  })
  afterAll(() => session.stop())

  test('there at the start is told with file and line, in the terminal and on a page, while others are served', async () => {
    expect(session.output).toMatch(
      /bad +not built +nothing of it can be served[\s\S]*at bad\.ts:1:\d+[\s\S]*> 1 \| export default \{ fetch\( \}/,
    )
    expect((await session.get('/good/')).text).toBe('good')
    const page = await session.get('/bad/', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(500)
    expect(page.text).toContain('bad.ts:1:')
    expect(page.text).toContain('export default { fetch( }')
  })

  test('is gone when it is mended', async () => {
    await session.serve('bad.ts', answering('mended'))
    expect((await session.get('/bad/')).text).toBe('mended')
  })

  test.each([
    ['a syntax error', 'export default {\n  fetch() { return new Response( }\n}\n', /at bad\.ts:2:\d+/],
    ['a missing export', 'export const other = 1\n', /exports neither[\s\S]*at bad\.ts:1:1/],
    ['a default export that is no object', 'export default 5\n', /the default export is the number 5[\s\S]*at bad\.ts:1:1/],
    [
      'a package that is not installed',
      `import x from 'not-there-at-all'\nexport default { fetch: () => x }\n`,
      /not-there-at-all[\s\S]*installed\?[\s\S]*at bad\.ts:1:\d+/,
    ],
    [
      'a top level that throws',
      `export default { fetch() {} }\nconst none = undefined as unknown as { a: { b: 1 } }\nnone.a.b\n`,
      /TypeError: [\s\S]*at bad\.ts:3:\d+/,
    ],
    ['a top level that never ends', 'export default { fetch() {} }\nfor (;;);\n', /the top level did not finish within \d+ ms/],
    [
      'a bundle of 30 MB',
      `export const text = '${'x'.repeat(30_000_000)}'\nexport default { fetch: () => new Response(text) }\n`,
      /the bundle has \d+ bytes, the limit is \d+[\s\S]*at bad\.ts:1:1/,
    ],
  ])('is told and the last good version goes on serving: %s', async (_, source, told) => {
    await session.save('bad.ts', source)
    await session.said(/bad +not built +its last good version goes on serving/)
    await session.said(told)
    expect((await session.get('/bad/')).text).toBe('mended')
    expect((await session.get('/good/')).text).toBe('good')
  })

  test('that is an import of a file which is not there yet is gone as soon as the file is', async () => {
    await session.save('bad.ts', `import { text } from './later/text'\nexport default { fetch: () => new Response(text) }\n`)
    await session.said(/Could not resolve '\.\/later\/text'[\s\S]*at bad\.ts:1:\d+/)
    await session.serve('later/text.ts', `export const text: string = 'later'\n`)
    expect((await session.get('/bad/')).text).toBe('later')
  })

  test('that is a circular import used too early is an exception of the top level, with its place', async () => {
    await session.save('a.ts', `import { b } from './b.ts'\nexport const a = b + 1\n`)
    await session.save('b.ts', `import { a } from './a.ts'\nexport const b = a + 1\n`)
    await session.save('bad.ts', `import { a } from './a.ts'\nexport default { fetch: () => new Response(String(a)) }\n`)
    await session.said(/ReferenceError: [\s\S]*at b\.ts:2:\d+/)
    expect((await session.get('/bad/')).text).toBe('later')
  })

  test.each([
    ['nothing', 'undefined', 'returned nothing'],
    ['a value of the wrong type', '42', 'must return a Response'],
  ])('that makes a handler return %s is told when it is called', async (_, value, told) => {
    await session.serve('bad.ts', `\nexport default { fetch: () => ${value} }\n`)
    const answer = await session.get('/bad/')
    expect(answer.status).toBe(502)
    expect(answer.text).toContain(told)
    expect(JSON.parse(answer.text)).toMatchObject({ error: { stack: expect.stringMatching(/^at fetch \(bad\.ts:2:\d+\)$/) } })
  })

  test('that has a handler wait for ever is told at once', async () => {
    await session.serve('bad.ts', 'export default { fetch: () => new Promise(() => {}) }\n')
    expect((await session.get('/bad/')).text).toContain('waits for a promise that nothing can settle')
  })

  test('that a function logs comes with the place in its file', async () => {
    await session.serve(
      'bad.ts',
      `\nexport default {\n  fetch() { console.error(new Error('logged')); return new Response('') }\n}\n`,
    )
    expect((await session.get('/bad/')).status).toBe(200)
    await session.said(/! Error: logged\n.*! {5}at fetch \(bad\.ts:3:\d+\)/)
  })

  test('that makes an invocation end at a limit names the setting that changes it', async () => {
    await session.save(
      'ampoule.jsonc',
      configuration({ good: { source: 'good.ts' }, bad: { source: 'bad.ts', timeoutMs: 200, memoryMb: 32 } }),
    )
    await session.said(/bad +updated in/)
    await session.serve('bad.ts', 'export default { fetch() { for (;;); } }\n')
    expect((await session.get('/bad/')).text).toContain('timeoutMs')
    await session.serve('bad.ts', 'export default { fetch() { const all = []; for (;;) all.push(new Uint8Array(1e6)) } }\n')
    expect((await session.get('/bad/')).text).toContain('memoryMb')
  })
})
