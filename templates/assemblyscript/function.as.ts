import { Context, env, fail, Kind, log, Request, Response, Value } from './ampoule'

/** GET /{{name}}/?name=you */
export function http(request: Request, context: Context): Response {
  log(request.method + ' ' + request.path + ' (' + context.id + ')')
  if (request.method == 'POST') return Response.bytes(200, 'application/octet-stream', request.body)
  const name = request.query('name')
  const greeting = env('GREETING')
  return Response.text(200, (greeting === null ? 'Hello' : greeting) + ', ' + (name === null ? 'world' : name) + '!\n')
}

/** ampoule invoke {{name}} --data '{"numbers":[1,2,3]}' */
export function invoke(payload: Value, context: Context): Value {
  const numbers = payload.get('numbers')
  if (numbers.kind != Kind.List) fail('BadPayload', 'numbers is no list')
  let sum: f64 = 0
  for (let i = 0; i < numbers.items.length; i++) sum += numbers.items[i].number
  return Value.map().set('sum', Value.number(sum))
}
