import { invalidParameter } from '../../functions/lambda-error.ts'
import { QUOTAS } from '../../functions/quotas.ts'

export type Tags = Readonly<Record<string, string>>

/** Tags as a resource may have them; the characters and lengths of each were checked against the model. Throws `InvalidParameterValueException`. */
export function checkTags(tags: Tags): Tags {
  const keys = Object.keys(tags)
  if (keys.length > QUOTAS.tags)
    throw invalidParameter(`The resource would have ${keys.length} tags, the limit is ${QUOTAS.tags}: remove some first`)
  const reserved = keys.find((key) => /^aws:/i.test(key))
  if (reserved !== undefined)
    throw invalidParameter(`The tag key ${JSON.stringify(reserved)} is reserved: keys must not start with aws:`)
  return tags
}
