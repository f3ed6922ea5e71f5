import { describe, expect, it } from 'vitest'
import { inspectComponent } from '../../src/component/inspect.ts'
import { componentText, echoComponent } from './samples.ts'

const options = { isSupported: (): boolean => false }

describe('looking at a component', () => {
  it('shows its world as WIT, its core modules and how it can be called', async () => {
    const component = await echoComponent()
    const { bytes, world, modules, ways, refused } = await inspectComponent(component, options)
    expect(world).toContain('export handle: func(event: list<u8>) -> result<list<u8>, list<u8>>;')
    expect(bytes).toBe(component.length)
    expect(modules[0]?.exports.map(({ name }) => name)).toContain('cabi_realloc')
    expect(ways).toEqual(['event'])
    expect(refused).toBeUndefined()
  })

  it('says why it cannot be a function', async () => {
    const nothing = await inspectComponent(await componentText('(component)'), options)
    expect(nothing.refused).toContain('exports nothing that can be called')
    expect([nothing.ways, nothing.modules]).toEqual([[], []])
  })

  it('is refused for what is no component', async () => {
    await expect(inspectComponent(new Uint8Array(20), options)).rejects.toMatchObject({ code: 'InvalidComponent' })
  })
})
