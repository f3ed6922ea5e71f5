import type { Account } from './arn.ts'

/**
 * The name of this host's HTTP destination (`httpDestinations`) that the ARN is of, as EventBridge has them; undefined: it is of none. AWS has an id behind the
 * name, which is passed over.
 */
export function parseHttpDestinationArn(arn: string, { region, id }: Account): string | undefined {
  const [, ownRegion, ownId, name] =
    /^arn:aws[a-z-]*:events:([a-z0-9-]+):(\d{12}):api-destination\/([\w.-]{1,64})(?:\/[\w-]+)?$/.exec(arn) ?? []
  return ownRegion === region && ownId === id ? name : undefined
}
