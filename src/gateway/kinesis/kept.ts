import type { StreamDefinition } from '../../store/stream.ts'

/** What a stream of Kinesis has, and engines only keep: `StreamDefinition.attributes`. */
export interface Kept {
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  readonly mode: 'PROVISIONED' | 'ON_DEMAND'
  readonly tags: Readonly<Record<string, string>>
}

/** All streams are created by this API. */
export const kept = ({ attributes }: StreamDefinition): Kept => attributes as unknown as Kept
