import { connect } from 'amqplib'

/** `RabbitMQ 4.3.6`. */
export async function brokerVersion(url: string): Promise<string> {
  const model = await connect(url).catch((error: unknown) => {
    const { code, message } = error as { code?: string; message: string }
    throw new Error(`there is no broker to work with, set AMQP_URL: ${code ?? message}`)
  })
  const { product, version } = model.connection.serverProperties as { product?: string; version?: string }
  await model.close()
  return `${product ?? 'a broker'} ${version ?? ''}`
}

export async function deleteQueues(url: string, queues: readonly string[]): Promise<void> {
  const model = await connect(url)
  const channel = await model.createChannel()
  for (const queue of queues) await channel.deleteQueue(queue)
  await model.close()
}
