import { fails, ok, same, text, type Check } from './check.ts'

export const WEB: readonly Check[] = [
  {
    name: '`URL`',
    run: async () => {
      const url = new URL('../c/./d?x=1#h', 'https://User:pw@Example.com:8443/a/b/')
      same(
        [url.href, url.origin, url.host, url.pathname, url.search, url.hash, url.username, url.port],
        [
          'https://User:pw@example.com:8443/a/c/d?x=1#h',
          'https://example.com:8443',
          'example.com:8443',
          '/a/c/d',
          '?x=1',
          '#h',
          'User',
          '8443',
        ],
      )
      same(new URL('http://h/a?b=c').href, 'http://h/a?b=c')
      same(new URL('/x?y', 'http://h:81/a').href, 'http://h:81/x?y')
      same(new URL('http://bücher.example/ä b?ö').href, 'http://xn--bcher-kva.example/%C3%A4%20b?%C3%B6')
      same(new URL('HTTP://0x7f.1:80/%7e/../é').href, 'http://127.0.0.1/%C3%A9')
      const changed = new URL('http://h/a?b=c#d')
      changed.searchParams.append('e', 'f g')
      changed.pathname = '/ü'
      changed.port = '99'
      same(changed.href, 'http://h:99/%C3%BC?b=c&e=f+g#d')
      changed.search = '?z=1'
      same([changed.searchParams.get('z'), String(changed), JSON.stringify(changed)], ['1', changed.href, `"${changed.href}"`])
      await fails('TypeError', () => new URL('/relative'))
      same([URL.canParse('x:y'), URL.canParse('no'), URL.parse('no')], [true, false, null])
    },
  },
  {
    name: '`URLSearchParams`',
    run: () => {
      const params = new URLSearchParams('?a=1&b=%C3%BC+x&a=2&bad=%ff%zz&=')
      same([params.getAll('a'), params.get('b'), params.get('bad'), params.size], [['1', '2'], 'ü x', '\uFFFD%zz', 5])
      params.delete('a', '1')
      params.set('b', "~!'()*")
      params.sort()
      same(params.toString(), '=&a=2&b=%7E%21%27%28%29*&bad=%EF%BF%BD%25zz')
      same(String(new URLSearchParams([['x', 'y z']])) + String(new URLSearchParams({ q: '&' })), 'x=y+zq=%26')
      same([...new URLSearchParams('a=1')], [['a', '1']])
    },
  },
  {
    name: '`Headers`',
    run: async () => {
      const headers = new Headers({ 'X-B': ' 1 ' })
      headers.append('x-b', '2')
      headers.append('Set-Cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      headers.set('A', 'z')
      same(
        [...headers],
        [
          ['a', 'z'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x-b', '1, 2'],
        ],
      )
      same(
        [headers.get('X-b'), headers.get('none'), headers.has('a'), headers.getSetCookie()],
        ['1, 2', null, true, ['a=1', 'b=2']],
      )
      headers.delete('X-B')
      same([...headers.keys()].includes('x-b'), false)
      same(new Headers([['__proto__', 'x']]).get('constructor'), null)
      await fails('TypeError', () => headers.set('a b', ''))
      await fails('TypeError', () => headers.set('a', 'b\nc'))
    },
  },
  {
    name: '`Request`',
    run: async () => {
      const request = new Request('http://h/a', { method: 'post', body: '{"a":"ü"}', headers: { 'x-y': 'z' } })
      same([request.method, request.url, request.headers.get('x-y')], ['POST', 'http://h/a', 'z'])
      same(request.headers.get('content-type'), 'text/plain;charset=UTF-8')
      const copy = request.clone()
      same(await request.json(), { a: 'ü' })
      same([request.bodyUsed, copy.bodyUsed, await copy.text()], [true, false, '{"a":"ü"}'])
      await fails('TypeError', () => request.text())
      await fails('TypeError', () => new Request('http://h/', { body: 'x' }))
      await fails('TypeError', () => new Request('/relative'))
      const again = new Request(new Request('http://h/', { method: 'PUT', body: 'b' }), { headers: { a: 'b' } })
      same([again.method, await again.text(), again.headers.get('a'), again.signal.aborted], ['PUT', 'b', 'b', false])
      const form = new Request('http://h/', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
      same((await form.formData()).get('a'), 'b c')
    },
  },
  {
    name: '`Response`',
    run: async () => {
      const response = Response.json({ a: 1 }, { status: 201, headers: { 'x-y': 'z' } })
      same([response.status, response.ok, response.headers.get('content-type')], [201, true, 'application/json'])
      const copy = response.clone()
      same([await response.json(), await copy.text(), response.bodyUsed], [{ a: 1 }, '{"a":1}', true])
      same(Response.redirect('http://h/x', 303).headers.get('location'), 'http://h/x')
      same([Response.error().status, Response.error().type], [0, 'error'])
      same([new Response(null, { status: 204 }).body, await new Response().text()], [null, ''])
      same(text(await new Response(new Uint8Array([104, 105])).arrayBuffer()), 'hi')
      same((await new Response('a', { headers: { 'content-type': 'a/b' } }).blob()).type, 'a/b')
      await fails('RangeError', () => new Response('', { status: 99 }))
      await fails('TypeError', () => new Response('x', { status: 204 }))
    },
  },
  {
    name: 'streamed bodies',
    run: async () => {
      const encoder = new TextEncoder()
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue(encoder.encode('a'))
          controller.enqueue(encoder.encode('b'))
          controller.close()
        },
      })
      same(await new Response(stream).text(), 'ab')
      const reader = new Response('xyz').body?.getReader()
      same(text((await reader?.read())?.value ?? new Uint8Array()), 'xyz')
      same((await reader?.read())?.done, true)
    },
  },
  {
    name: '`FormData`, multipart bodies',
    run: async () => {
      const form = new FormData()
      form.append('a', 'ü')
      form.append('f', new File(['x', new Uint8Array([0, 255])], 'f.bin', { type: 'a/b' }))
      const sent = new Response(form)
      ok(sent.headers.get('content-type')?.startsWith('multipart/form-data; boundary='), 'the content type has a boundary')
      const received = await sent.formData()
      const file = received.get('f')
      same([received.get('a'), file instanceof File && [file.name, file.size]], ['ü', ['f.bin', 3]])
      form.set('a', '1')
      form.delete('f')
      same([...form], [['a', '1']])
    },
  },
  {
    name: '`Blob`, `File`',
    run: async () => {
      const blob = new Blob(['aü', new Uint8Array([98])], { type: 'Text/Plain' })
      same([blob.size, blob.type, await blob.text(), await blob.slice(0, 1).text()], [4, 'text/plain', 'aüb', 'a'])
      same(new Uint8Array(await blob.slice(-1).arrayBuffer())[0], 98)
      same(await new Response(blob.stream()).text(), 'aüb')
      const file = new File(['x'], 'n', { lastModified: 5 })
      same([file.name, file.lastModified, file instanceof Blob], ['n', 5, true])
    },
  },
  {
    name: '`fetch` (outbound: denied)',
    run: async () => {
      const message = await fails('TypeError', () => fetch('http://example.com/x?secret=1'))
      ok(message.includes('outbound HTTP is not granted'), message)
      ok(!message.includes('secret'), message)
      await fails('TypeError', () => fetch('no url'))
    },
  },
  {
    name: '`TextEncoder`, `TextDecoder`',
    run: async () => {
      same([...new TextEncoder().encode('ü\uD800')], [195, 188, 239, 191, 189])
      const into = new Uint8Array(3)
      same(new TextEncoder().encodeInto('aü€', into), { read: 2, written: 3 })
      const decoder = new TextDecoder()
      same(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }) + decoder.decode(new Uint8Array([0xac])), '€')
      same(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65, 0xff])), 'A\uFFFD')
      await fails('TypeError', () => new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff])))
      same(new TextDecoder('latin1').decode(new Uint8Array([0xfc, 0x80])), 'ü€')
      same(new TextDecoder('utf-16le').decode(new Uint8Array([0xfc, 0])), 'ü')
      await fails('RangeError', () => new TextDecoder('none'))
    },
  },
  {
    name: '`structuredClone`',
    run: async () => {
      const value: Record<string, unknown> = {
        date: new Date(5),
        map: new Map([[1, new Set([2])]]),
        bytes: new Uint8Array([7]),
        error: new RangeError('r'),
      }
      value.self = value
      const copy = structuredClone(value) as {
        date: Date
        map: Map<number, Set<number>>
        bytes: Uint8Array
        error: Error
        self: unknown
      }
      same([copy.date.getTime(), copy.map.get(1)?.has(2), copy.bytes[0], copy.error.name], [5, true, 7, 'RangeError'])
      ok(copy.self === copy && copy.map !== value.map && copy.bytes !== value.bytes, 'it is a copy, with its cycles')
      await fails('DataCloneError', () => structuredClone(() => 1))
    },
  },
  {
    name: '`Event`, `CustomEvent`, `EventTarget`',
    run: () => {
      const target = new EventTarget()
      const seen: unknown[] = []
      target.addEventListener('a', (event) => seen.push(event.type, event.target === target), { once: true })
      target.addEventListener('a', { handleEvent: (event: Event) => event.preventDefault() })
      same([target.dispatchEvent(new Event('a', { cancelable: true })), target.dispatchEvent(new Event('a'))], [false, true])
      same(seen, ['a', true])
      same(new CustomEvent('c', { detail: 3 }).detail, 3)
    },
  },
  {
    name: '`AbortController`, `AbortSignal`',
    run: async () => {
      const controller = new AbortController()
      let reason: unknown
      controller.signal.addEventListener('abort', () => (reason = controller.signal.reason))
      const any = AbortSignal.any([controller.signal])
      controller.abort('why')
      same([reason, controller.signal.aborted, any.aborted, any.reason], ['why', true, true, 'why'])
      same(AbortSignal.abort().reason.name, 'AbortError')
      const timeout = AbortSignal.timeout(1)
      await new Promise((resolve) => timeout.addEventListener('abort', resolve))
      await fails('TimeoutError', () => timeout.throwIfAborted())
    },
  },
  {
    name: 'timers, `queueMicrotask`',
    run: async () => {
      const log: string[] = []
      const cleared = setTimeout(() => log.push('never'), 0)
      clearTimeout(cleared)
      await new Promise<void>((resolve) => {
        setTimeout((word: string) => log.push(word), 50, 'late')
        const id = setInterval(() => {
          log.push('tick')
          clearInterval(id)
        }, 1)
        queueMicrotask(() => log.push('micro'))
        setTimeout(resolve, 100)
      })
      same(log, ['micro', 'tick', 'late'])
    },
  },
  {
    name: '`console` with levels',
    run: () => {
      const names = [
        'assert',
        'count',
        'debug',
        'dir',
        'error',
        'group',
        'groupEnd',
        'info',
        'log',
        'table',
        'time',
        'timeEnd',
        'trace',
        'warn',
      ]
      same(
        names.filter((name) => typeof Reflect.get(console, name) !== 'function'),
        [],
      )
    },
  },
  {
    name: '`performance`, `atob`, `btoa`, `DOMException`',
    run: () => {
      const before = performance.now()
      ok(performance.now() >= before && performance.timeOrigin > 0, 'the clock goes forward')
      same([atob(btoa('\xff')), new DOMException('m', 'AbortError').code], ['\xff', 20])
    },
  },
  {
    name: '`CompressionStream`, `DecompressionStream`',
    run: async () => {
      const through = new Blob(['aaaa'])
        .stream()
        .pipeThrough(new CompressionStream('gzip'))
        .pipeThrough(new DecompressionStream('gzip'))
      same(await new Response(through).text(), 'aaaa')
    },
  },
  { name: '`URLPattern`', run: () => same(new URLPattern({ pathname: '/:a' }).test('http://h/b'), true) },
  { name: '`Intl`', run: () => same(new Intl.NumberFormat('de').format(1.5), '1,5') },
  { name: '`WebSocket`', run: () => same(typeof WebSocket, 'function') },
  { name: '`MessageChannel`', run: () => same(typeof MessageChannel, 'function') },
  { name: '`WebAssembly`', run: () => same(typeof WebAssembly, 'object') },
]
