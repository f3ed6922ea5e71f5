import { describe, expect, it } from 'vitest'
import { componentWorld } from '../../src/component/world.ts'
import { echoComponent } from './samples.ts'

describe('the world of a component', () => {
  it('is given as WIT text', async () => {
    expect(await componentWorld(await echoComponent())).toContain(
      'export handle: func(event: list<u8>) -> result<list<u8>, list<u8>>;',
    )
  })

  it('is refused for what is no component', async () => {
    await expect(componentWorld(new Uint8Array(20))).rejects.toMatchObject({ code: 'InvalidComponent' })
  })
})
