import { afterAll, beforeAll, expect, test } from 'vitest'
import { engineArtifact } from '../../src/build/engine-artifact.ts'
import { scriptArtifact } from '../../src/component/artifact.ts'
import type { Artifact } from '../../src/component/contract.ts'
import type { DeployedFunction } from '../../src/engine/contract.ts'
import { Forge } from '../../src/engine/forge.ts'
import { engineParts } from '../../src/engine/parts.ts'
import { releaseSnapshot } from '../../src/engine/snapshot.ts'

const { strategy } = engineParts('copy')
const forge = new Forge(strategy)
let engine: Artifact
beforeAll(async () => {
  engine = await engineArtifact('quickjs')
}, 300_000)
afterAll(() => forge.close())

const script = (topLevel: string): DeployedFunction => ({
  artifact: scriptArtifact(engine, Buffer.from(`(function (handOver) {${topLevel}})`)),
  spec: {
    name: 'demo',
    limits: { memoryMb: 64, timeoutMs: 1_000, fuel: 1_000_000n, maxRequestBytes: 1_000, maxResponseBytes: 1_000 },
    variables: [],
    concurrency: 1,
    minInstances: 0,
    idleMs: 1_000,
  },
})

async function isMade(fn: DeployedFunction): Promise<boolean> {
  const { snapshot } = await forge.prepare(fn)
  if (snapshot === undefined) return false
  releaseSnapshot(snapshot, strategy)
  return true
}

test('a top level that never ends is ended when its function is not wanted any more, and the next one is made', async () => {
  const aborted = new AbortController()
  const made = forge.prepare(script('for (;;);'), aborted.signal)
  aborted.abort()
  // Its own deadline would have been a failure of the top level.
  await expect(made).rejects.toMatchObject({ code: 'InvalidComponent' })
  expect(await isMade(script('handOver({ handler: () => 1 })'))).toBe(true)
})

test('nothing is begun of what was given up before', async () => {
  await expect(forge.prepare(script('for (;;);'), AbortSignal.abort(new Error('not wanted')))).rejects.toThrow('not wanted')
})
