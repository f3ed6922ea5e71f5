// `/` greets, everything else is an echo. assemblyscript.wasm is committed; `node examples/build.ts` makes it from this file.
import { Context, Request, Response, Value } from '../../guest-sdk/assemblyscript/ampoule'

export function http(request: Request, context: Context): Response {
  if (request.body.length > 0) return Response.bytes(200, 'application/octet-stream', request.body)
  return Response.text(200, request.path == '/' ? 'Hello from AssemblyScript\n' : request.path)
}

export function invoke(payload: Value, context: Context): Value {
  return payload
}
