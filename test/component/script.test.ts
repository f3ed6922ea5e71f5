import { expect, test } from 'vitest'
import { createArtifact, scriptArtifact } from '../../src/component/artifact.ts'
import type { Artifact } from '../../src/component/contract.ts'
import { isSupported } from '../../src/wasi/index.ts'
import { engineArtifact } from '../../src/build/engine-artifact.ts'
import { guest } from '../guests/index.ts'

const script = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a component that exports no load takes no script', async () => {
  const artifact = createArtifact(await guest('hostile'), { isSupported })
  expect(artifact.plan.exports.load).toBeUndefined()
  expect(() => scriptArtifact(artifact, script('1'))).toThrow('takes no script')
})

test('the artifact of a script is its engine’s, under an id that covers engine and script', { timeout: 300_000 }, async () => {
  const engine = await engineArtifact('quickjs')
  const other: Artifact = { ...engine, id: 'f'.repeat(64) }
  const [one, same, two, elsewhere] = [
    scriptArtifact(engine, script('1')),
    scriptArtifact(engine, script('1')),
    scriptArtifact(engine, script('2')),
    scriptArtifact(other, script('1')),
  ]
  expect(one.id).toBe(same.id)
  expect(new Set([engine.id, one.id, two.id, elsewhere.id]).size).toBe(4)
  expect(one.modules).toBe(engine.modules)
  expect(one.script).toMatchObject({ engine: engine.id, bytes: script('1') })
})
