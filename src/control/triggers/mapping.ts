import type { EventSourceMappingConfiguration } from '@aws-sdk/client-lambda'
import { readPattern, type Pattern } from '../../functions/pattern/pattern.ts'
import type { EventSourceMappingRecord } from '../../store/records.ts'

/** What of an event source mapping is given back as it was given, with defaults. */
export const MAPPING_SETTINGS = [
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'FilterCriteria',
  'FunctionResponseTypes',
  'ScalingConfig',
  'ParallelizationFactor',
  'StartingPosition',
  'DestinationConfig',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'MaximumRetryAttempts',
  'TumblingWindowInSeconds',
] as const satisfies readonly (keyof EventSourceMappingConfiguration)[]

export interface MappingSettings {
  /** What was asked for. */
  readonly enabled: boolean
  /** Milliseconds since the epoch. */
  readonly startingTimestampMs: number | undefined
  /** As the API takes and gives them, with defaults. */
  readonly given: Pick<EventSourceMappingConfiguration, (typeof MAPPING_SETTINGS)[number]>
}

/** `EventSourceMappingRecord.settings`. */
export interface KeptMapping extends MappingSettings {
  readonly qualifier: string | undefined
  /** Milliseconds since the epoch. */
  readonly lastModified: number
  /** It is of `ampoule.jsonc`, and goes with it. */
  readonly declared?: true
}

/** Checked when the mapping was written. */
export const filtersOf = ({ FilterCriteria }: MappingSettings['given']): readonly Pattern[] =>
  (FilterCriteria?.Filters ?? []).map(({ Pattern: text = '{}' }) => readPattern(text))

/** The management API only writes such. */
export const mappingOf = ({ settings }: EventSourceMappingRecord): KeptMapping => settings as unknown as KeptMapping
