// Makes src/gateway/management/model/lambda.json of the service model that botocore (Apache-2.0) has of AWS Lambda:
//   node bin/lambda-model.mjs PATH/botocore/data/lambda/2015-03-31/service-2.json
// Only what the management API offers, and of that only what a wire needs: bindings, types, bounds, statuses; no documentation.
// And test/gateway/management/contract/operations.json: every operation, where it is, and the errors that AWS documents for it.
import { readFileSync, writeFileSync } from 'node:fs'

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: node bin/lambda-model.mjs service-2.json')

/** Families of operations that make no sense on a host of one's own. */
const LEFT_OUT =
  /DurableExecution|CapacityProvider|ScalingConfig|ResourcePolicy|InvokeAsync|(Create|Update|Delete|Put).*CodeSigning/

const model = JSON.parse(readFileSync(path, 'utf8'))
const shapes = {}

function keep(name) {
  if (name in shapes) return
  const { type, members, required, payload, min, max, pattern, key, value, member, sensitive, error, exception } =
    model.shapes[name]
  const values = model.shapes[name].enum
  shapes[name] = {
    type,
    required,
    payload,
    min,
    max,
    pattern,
    enum: values,
    key: key?.shape,
    value: value?.shape,
    member: member?.shape,
    sensitive,
    status: exception === true ? (error?.httpStatusCode ?? 500) : undefined,
    members:
      members &&
      Object.fromEntries(
        Object.entries(members).map(([own, { shape, location, locationName }]) => [own, { shape, location, locationName }]),
      ),
  }
  for (const one of Object.values(members ?? {})) keep(one.shape)
  for (const one of [key, value, member]) if (one !== undefined) keep(one.shape)
}

const operations = {}
for (const [name, { http, input, output, errors = [] }] of Object.entries(model.operations)) {
  if (LEFT_OUT.test(name)) continue
  operations[name] = {
    method: http.method,
    path: http.requestUri,
    status: http.responseCode ?? 200,
    input: input?.shape,
    output: output?.shape,
  }
  for (const one of [input, output, ...errors]) if (one !== undefined) keep(one.shape)
}

const lines = (table) =>
  Object.entries(table)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(',\n')
const target = new URL('../src/gateway/management/model/lambda.json', import.meta.url)
writeFileSync(target, `{\n  "operations": {\n${lines(operations)}\n  },\n  "shapes": {\n${lines(shapes)}\n  }\n}\n`)

const documented = Object.entries(model.operations).map(([name, { http, errors = [] }]) => [
  name,
  { method: http.method, path: http.requestUri, errors: errors.map(({ shape }) => shape) },
])
const contract = new URL('../test/gateway/management/contract/operations.json', import.meta.url)
writeFileSync(contract, `{\n${lines(Object.fromEntries(documented)).replaceAll(/^ {4}/gm, '  ')}\n}\n`)
