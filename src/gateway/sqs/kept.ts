import type { QueueDefinition } from '../../store/queue.ts'

/** What a queue of SQS has, and engines only keep: `QueueDefinition.attributes`. */
export interface Kept {
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  readonly modifiedMs: number
  readonly maxBytes: number
  readonly waitSeconds: number
  readonly contentBased: boolean
  readonly redriveAllow: { readonly redrivePermission: string; readonly sourceQueueArns?: readonly string[] } | undefined
  readonly tags: Readonly<Record<string, string>>
}

/** All queues are defined by this API. */
export const kept = ({ attributes }: QueueDefinition): Kept => attributes as unknown as Kept
