const MIB = 1024 * 1024

/** AWS Lambda, "Lambda quotas". */
export const QUOTAS = {
  /** All functions together; an account's default in most regions. */
  concurrentExecutions: 1_000,
  /** Of these, what no reservation may take. */
  unreservedConcurrentExecutions: 100,
  /** Zips of all functions and layers. */
  totalCodeBytes: 75 * 1024 * MIB,
  /** A zip in a request. */
  zippedBytes: 50 * MIB,
  /** A function's files and its layers', unpacked. */
  unzippedBytes: 250 * MIB,
  /** A zip bomb need not be large: a million empty files are enough. */
  zipEntries: 20_000,
  /** A request to the management API: a zip in base64, and what goes with it. */
  requestBytes: 70_167_211,
  /** A synchronous invocation's payload, and its answer. */
  payloadBytes: 6 * MIB,
  /** An asynchronous invocation's payload. */
  eventBytes: MIB,
  layers: 5,
  /** A resource policy, as JSON. */
  policyBytes: 20 * 1024,
  /** AWS Tagging, "Tag naming limits". */
  tags: 50,
} as const
