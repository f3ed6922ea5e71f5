import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2, LambdaContext } from '@ampoule/guest'

export const handler = async (event: APIGatewayProxyEventV2, context: LambdaContext): Promise<APIGatewayProxyResultV2> => {
  console.log(`${context.functionName} has ${context.getRemainingTimeInMillis()} ms`)
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: `Hello, ${event.queryStringParameters?.['name'] ?? 'world'}!`, path: event.rawPath }),
  }
}
