import { deployFunctions, explainDeployment } from '../deploy.ts'
import { AmpouleError } from '../errors.ts'
import { LocalEngines, openLocal } from '../local.ts'
import { configurationOf, pathOf } from './settings.ts'
import { SandboxedFunction } from './function.ts'
import type { LoadOptions, TestedFunction } from './contract.ts'

/** Engines take a while to initialise and are the same for all functions: they stay while any function is open. */
let shared: { readonly engines: LocalEngines; users: number } | undefined

export async function openTested(source: string | URL, options: LoadOptions): Promise<TestedFunction> {
  const folder = process.cwd()
  const { functions, host } = configurationOf(source, options, folder)
  const [settings] = functions
  const stubs = options.stubs === undefined ? {} : { stubs: pathOf(options.stubs, folder, 'stubs') }
  const deployments = await deployFunctions(functions, { folder, host }, stubs)
  const [deployment] = deployments
  if (settings === undefined || deployment === undefined) throw new AmpouleError('Internal', 'nothing was deployed')
  const use = (shared ??= { engines: new LocalEngines(), users: 0 })
  use.users++
  const release = async (): Promise<void> => {
    if (--use.users > 0) return
    shared = undefined
    await use.engines.close()
  }
  try {
    const target = await openLocal(settings, deployment, use.engines)
    return new SandboxedFunction(target, folder, async () => {
      await target.close()
      await release()
    })
  } catch (error) {
    await release()
    throw await explainDeployment(error, deployments)
  }
}
