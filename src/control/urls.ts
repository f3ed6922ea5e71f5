import { formatFunctionArn, LATEST, type Account } from '../functions/arn.ts'
import type { UrlRoute } from '../functions/url.ts'
import type { Store } from '../store/contract.ts'

/** What lanes need to know of a function URL; undefined: there is none with this id. */
export async function findUrl(urlId: string, store: Store, account: Account): Promise<UrlRoute | undefined> {
  const [found] = await store.list('function_urls', { where: { urlId }, limit: 1 })
  if (found === undefined) return undefined
  const { name, authType, cors } = found
  const qualifier = found.qualifier === LATEST ? undefined : found.qualifier
  const policy = await store.get('policies', [name, found.qualifier])
  const arn = formatFunctionArn(account, name, qualifier)
  return { name, qualifier, arn, authType, cors, statements: policy?.statements ?? [] }
}
