import { describe, expect, it } from 'vitest'
import { LAMBDA_ERRORS } from '../../../src/functions/lambda-error.ts'
import { OFFERED } from '../../../src/gateway/management/app.ts'
import { OPERATIONS, shapeOf } from '../../../src/gateway/management/model/model.ts'
import lambda from '../../../src/gateway/management/model/lambda.json' with { type: 'json' }

describe('the service model', () => {
  it('has every operation that is offered', () => {
    for (const name of OFFERED) expect(Object.keys(OPERATIONS)).toContain(name)
  })

  it('gives the errors that it knows the statuses that this host gives them', () => {
    const known = Object.entries(LAMBDA_ERRORS).filter(([type]) => Object.hasOwn(lambda.shapes, type))
    expect(known.length).toBeGreaterThan(8)
    for (const [type, { status }] of known) expect([type, shapeOf(type).status]).toEqual([type, status])
  })

  it('has only patterns that are regular expressions', () => {
    const patterns = Object.keys(lambda.shapes).flatMap((name) => shapeOf(name).pattern ?? [])
    expect(patterns.length).toBeGreaterThan(50)
    for (const pattern of patterns) expect(() => new RegExp(`^(?:${pattern})$`, /\\p\{/.test(pattern) ? 'u' : '')).not.toThrow()
  })
})
