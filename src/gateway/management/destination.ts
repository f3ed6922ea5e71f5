import { invalidParameter } from '../../functions/lambda-error.ts'

const FORMS: readonly (readonly [form: RegExp, which: 'both' | 'OnFailure'])[] = [
  [/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$/, 'both'],
  [/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, 'both'],
  [/^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]+))?$/, 'both'],
  [/^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/[A-Za-z0-9._/-]{1,256}$/, 'both'],
  // AWS Lambda, "Capturing records of asynchronous invocations": buckets are for failures.
  [/^arn:aws[a-z-]*:s3:::[a-z0-9.-]{3,63}$/, 'OnFailure'],
]

/**
 * Where the record of an asynchronous invocation goes: a queue, a topic, a function, an event bus, or for failures a bucket. Undefined for nothing.
 * Throws `InvalidParameterValueException` for everything else, and for the function itself (`own`).
 */
export function checkDestination(arn: string | undefined, which: 'OnSuccess' | 'OnFailure', own: string): string | undefined {
  if (arn === undefined || arn === '') return undefined
  const found = FORMS.find(([form]) => form.test(arn))
  if (found === undefined)
    throw invalidParameter(
      `The ${which} destination ${arn} must be the ARN of an SQS queue, an SNS topic, a Lambda function, an EventBridge event bus, or for OnFailure an S3 bucket`,
    )
  if (found[1] === 'OnFailure' && which === 'OnSuccess')
    throw invalidParameter(`The OnSuccess destination ${arn} is an S3 bucket: these can only be for OnFailure`)
  // FIFO queues and topics have names that end in .fifo, which the forms leave out, as Lambda does.
  if (arn === own || arn.startsWith(`${own}:`))
    throw invalidParameter(`The ${which} destination ${arn} is the function itself: it would be invoked without end`)
  return arn
}
