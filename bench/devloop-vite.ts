import { createServer } from 'node:http'
import { createServer as createVite } from 'vite'

// The process of the reference `vite`: its module runner on the server, as frameworks use it in development.
const [root = '.', port = '0'] = process.argv.slice(2)
const vite = await createVite({
  root,
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, ws: false, hmr: false },
})
createServer((_, response) => {
  const answer = async (): Promise<string> => {
    const module = (await vite.ssrLoadModule('/src/index.ts')) as {
      default: { fetch(request: Request): Response | Promise<Response> }
    }
    return await (await module.default.fetch(new Request('http://localhost/'))).text()
  }
  answer().then(
    (text) => response.end(text),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
}).listen(Number(port), '127.0.0.1')
