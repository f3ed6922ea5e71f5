import { QUOTAS } from '../../../functions/quotas.ts'
import type { Operations } from '../contract.ts'

/** What the host as a whole may have and has. */
export const accountSettings: Operations<'GetAccountSettings'> = {
  async GetAccountSettings(_, { store, concurrency }) {
    const functions = await store.list('functions')
    const stored = [
      ...functions.map(({ latest }) => latest.definition.code),
      ...(await store.list('versions')).map(({ definition }) => definition.code),
      ...(await store.list('layer_versions')).map(({ code }) => code),
    ]
    const { unreserved } = await concurrency.shares()
    return {
      AccountLimit: {
        TotalCodeSize: QUOTAS.totalCodeBytes,
        CodeSizeUnzipped: QUOTAS.unzippedBytes,
        CodeSizeZipped: QUOTAS.zippedBytes,
        ConcurrentExecutions: concurrency.account,
        UnreservedConcurrentExecutions: Math.max(0, unreserved),
      },
      AccountUsage: { TotalCodeSize: stored.reduce((sum, { bytes }) => sum + bytes, 0), FunctionCount: functions.length },
    }
  },
}
