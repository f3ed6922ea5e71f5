import type { SendOptions } from './function.ts'
/**
 * AWS Lambda's shapes for Node.js, as far as events here have them; named as in the package @types/aws-lambda, save `LambdaContext`.
 * Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS / Kinesis", "context object in Node.js"; API Gateway, payload format 2.0.
 */

/** `export const handler`. There is no callback, as in Lambda's current Node.js runtimes. */
export type Handler<Event = unknown, Result = unknown> = (event: Event, context: LambdaContext) => Result | Promise<Result>

export interface LambdaContext {
  /** Has no effect: nothing runs after the answer. */
  callbackWaitsForEmptyEventLoop: boolean
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  /** In MiB, decimal. */
  readonly memoryLimitInMB: string
  readonly awsRequestId: string
  readonly logGroupName: string
  readonly logStreamName: string
  /** What the caller gave as `ClientContext`, if anything. */
  readonly clientContext?: object | undefined
  /** Milliseconds left until the host ends the invocation. */
  getRemainingTimeInMillis(): number
  /** Ampoule's own: sends a message to a queue of the host when the invocation has succeeded. As `Context.send` of modules. */
  send(queue: string, body: unknown, options?: SendOptions): void
}

export type APIGatewayProxyHandlerV2<Body = never> = Handler<APIGatewayProxyEventV2, APIGatewayProxyResultV2<Body>>

/** An HTTP request. */
export interface APIGatewayProxyEventV2 {
  readonly version: '2.0'
  readonly routeKey: '$default'
  readonly rawPath: string
  readonly rawQueryString: string
  readonly cookies?: readonly string[]
  /** Names in lower case, values of one name joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly accountId: string
    readonly apiId: string
    readonly domainName: string
    readonly http: {
      readonly method: string
      readonly path: string
      readonly protocol: string
      readonly sourceIp: string
      readonly userAgent: string
    }
    readonly requestId: string
    readonly routeKey: '$default'
    readonly stage: '$default'
    readonly time: string
    readonly timeEpoch: number
  }
  readonly body?: string
  readonly isBase64Encoded: boolean
}

/** A response, or any other value of JSON as the body of a 200. */
export type APIGatewayProxyResultV2<Body = never> = APIGatewayProxyStructuredResultV2 | string | Body

export interface APIGatewayProxyStructuredResultV2 {
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string | number | boolean>>
  readonly cookies?: readonly string[]
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without a result
export type SQSHandler = Handler<SQSEvent, SQSBatchResponse | void>

export interface SQSEvent {
  readonly Records: readonly SQSRecord[]
}

export interface SQSRecord {
  readonly messageId: string
  readonly receiptHandle: string
  /** Base64 where the message is not UTF-8. */
  readonly body: string
  readonly attributes: SQSRecordAttributes
  readonly messageAttributes: Readonly<Record<string, SQSMessageAttribute>>
  readonly md5OfBody: string
  readonly eventSource: 'aws:sqs'
  readonly eventSourceARN: string
  readonly awsRegion: string
}

export interface SQSRecordAttributes {
  readonly ApproximateReceiveCount: string
  readonly SentTimestamp: string
  readonly SenderId: string
  readonly ApproximateFirstReceiveTimestamp: string
  readonly SequenceNumber?: string
  readonly MessageGroupId?: string
  readonly MessageDeduplicationId?: string
}

export interface SQSMessageAttribute {
  readonly stringValue?: string
  readonly binaryValue?: string
  readonly stringListValues?: readonly never[]
  readonly binaryListValues?: readonly never[]
  readonly dataType: string
}

/** The messages that come again; all others are done. */
export interface SQSBatchResponse {
  readonly batchItemFailures: readonly SQSBatchItemFailure[]
}

export interface SQSBatchItemFailure {
  /** A `messageId`. */
  readonly itemIdentifier: string
}

// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without a result
export type KinesisStreamHandler = Handler<KinesisStreamEvent, KinesisStreamBatchResponse | void>

export interface KinesisStreamEvent {
  readonly Records: readonly KinesisStreamRecord[]
}

/** Of a mapping with `TumblingWindowInSeconds`. */
export interface KinesisStreamTumblingWindowEvent extends KinesisStreamEvent {
  /** Dates of ISO 8601. */
  readonly window: { readonly start: string; readonly end: string }
  /** What was returned as `state` for the batch before; `{}` for the first one. */
  readonly state: Readonly<Record<string, unknown>>
  readonly shardId: string
  readonly eventSourceARN: string
  readonly isFinalInvokeForWindow: boolean
  readonly isWindowTerminatedEarly: boolean
}

export interface KinesisStreamRecord {
  /** `<shard>:<sequence number>`. */
  readonly eventID: string
  readonly eventName: 'aws:kinesis:record'
  readonly eventVersion: '1.0'
  readonly eventSource: 'aws:kinesis'
  readonly eventSourceARN: string
  readonly awsRegion: string
  readonly invokeIdentityArn: string
  readonly kinesis: KinesisStreamRecordPayload
}

export interface KinesisStreamRecordPayload {
  readonly kinesisSchemaVersion: '1.0'
  readonly partitionKey: string
  readonly sequenceNumber: string
  /** Base64. */
  readonly data: string
  /** Seconds since the epoch, with fractions. */
  readonly approximateArrivalTimestamp: number
}

/** The earliest of these records and all after it come again. */
export interface KinesisStreamBatchResponse {
  readonly batchItemFailures: readonly KinesisStreamBatchItemFailure[]
}

export interface KinesisStreamTumblingWindowResponse extends Partial<KinesisStreamBatchResponse> {
  readonly state?: Readonly<Record<string, unknown>>
}

export interface KinesisStreamBatchItemFailure {
  /** A `sequenceNumber`. */
  readonly itemIdentifier: string
}

// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without a result
export type ScheduledHandler = Handler<EventBridgeScheduledEvent, void>

export interface EventBridgeEvent<DetailType extends string, Detail> {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': DetailType
  readonly source: string
  readonly account: string
  /** ISO 8601, in seconds. */
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: Detail
}

/** A tick of a schedule. `@types/aws-lambda` calls it `ScheduledEvent`, which here is the module form's. */
export type EventBridgeScheduledEvent = EventBridgeEvent<'Scheduled Event', Readonly<Record<string, never>>>
