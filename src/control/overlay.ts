import { invalidParameter } from '../functions/lambda-error.ts'
import { refuseFilesAsFolders, type Package } from './zip.ts'

/** By path: the layer that the file comes from. */
export type Overlay = ReadonlyMap<string, Package>

/** The files of layers put over one another, the later over the earlier. Throws `InvalidParameterValueException`. */
export function overlay(layers: readonly Package[]): Overlay {
  const files = new Map<string, Package>()
  for (const layer of layers) for (const path of layer.files) files.set(path, layer)
  refuseFilesAsFolders(files, (path) =>
    invalidParameter(`The layers have ${JSON.stringify(path)} both as a file and as a folder`),
  )
  return files
}
