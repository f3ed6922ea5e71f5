import { AmpouleError, ERROR_KINDS, type ErrorCode } from '../errors.ts'
import { DEV_HEADER, DEV_PATH } from './access.ts'

const TIMEOUT_MS = 900_000

/** Asks a running `ampoule dev`. Rejects with what it answers, and with `InvalidRequest` when there is none. */
export async function askDev(url: string, path: string, body: unknown = null): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(`${url}${DEV_PATH}${path}`, {
      method: 'POST',
      headers: { [DEV_HEADER]: '1', 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    throw new AmpouleError('InvalidRequest', `there is no ampoule dev at ${url}: start it, or name its port with --port N`, {
      cause: error,
    })
  }
  const answer: unknown = await response.json().catch(() => ({}))
  if (response.ok) return answer
  const { code, message } = answer as { readonly code?: unknown; readonly message?: unknown }
  throw new AmpouleError(
    isErrorCode(code) ? code : 'InvalidRequest',
    typeof message === 'string' ? message : `${url} answered ${response.status}: is it ampoule dev?`,
  )
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERROR_KINDS, code)
