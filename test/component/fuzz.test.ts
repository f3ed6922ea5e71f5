import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createArtifact, deriveComponent } from '../../src/component/artifact.ts'
import { AmpouleError } from '../../src/errors.ts'
import { echoComponent, quickJsEcho } from './samples.ts'

let echo: Uint8Array<ArrayBuffer>
let quickJs: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  echo = await echoComponent()
  quickJs = await quickJsEcho()
})

/** Whatever the bytes are: accepted, or refused as what they are. Anything else is a defect. */
function outcome(run: () => unknown): 'accepted' | 'refused' {
  try {
    run()
    return 'accepted'
  } catch (error) {
    if (error instanceof AmpouleError && (error.code === 'InvalidComponent' || error.code === 'InvalidModule')) return 'refused'
    throw error
  }
}

function mutated(
  bytes: Uint8Array<ArrayBuffer>,
  changes: readonly (readonly [at: number, value: number])[],
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  for (const [at, value] of changes) copy[at] = value
  return copy
}

const changes = (from: number, to: number): fc.Arbitrary<[number, number][]> =>
  fc.array(
    fc.tuple(
      fc.integer({ min: from, max: to - 1 }),
      fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x7f, 0x80, 0xff)),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )

describe('malformed components', () => {
  it('are refused when cut off at any byte before the export', () => {
    const accepted = Array.from(echo.keys()).filter(
      (length) => outcome(() => createArtifact(echo.slice(0, length), { isSupported: () => true })) === 'accepted',
    )
    // Cut exactly between two of the sections that follow the export, a component is whole.
    expect(accepted.length).toBeLessThan(5)
    expect(Math.min(echo.length, ...accepted)).toBeGreaterThan(echo.length / 2)
  })

  it('never escape as anything but InvalidComponent or InvalidModule when bytes are changed', () => {
    fc.assert(
      fc.property(changes(8, echo.length), (list) => {
        expect(outcome(() => createArtifact(mutated(echo, list), { isSupported: () => true }))).toMatch(/accepted|refused/)
      }),
      { numRuns: 2_000 },
    )
  })

  it('never escape as anything else when bytes around the core modules of a big component are changed', () => {
    const around = fc.oneof(changes(8, 6_000), changes(quickJs.length - 6_000, quickJs.length))
    fc.assert(
      fc.property(around, (list) => {
        expect(outcome(() => deriveComponent(mutated(quickJs, list)))).toMatch(/accepted|refused/)
      }),
      { numRuns: 300 },
    )
  })

  it('are refused when they are random bytes behind a component preamble', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (noise) => {
        const bytes = new Uint8Array([...echo.subarray(0, 8), ...noise])
        expect(outcome(() => deriveComponent(bytes))).toBe('refused')
      }),
      { numRuns: 2_000 },
    )
  })
})
