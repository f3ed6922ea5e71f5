import { AmpouleError } from '../errors.ts'

/**
 * The component's world as WIT text, by jco: for people who look at a component, never on the way to an artifact (it takes seconds for a
 * language runtime). Throws `InvalidComponent`.
 */
export async function componentWorld(component: Uint8Array): Promise<string> {
  const { componentWit } = await import('@bytecodealliance/jco')
  try {
    return await componentWit(component)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AmpouleError('InvalidComponent', `the component has no world that can be read: ${why}`, { cause: error })
  }
}
