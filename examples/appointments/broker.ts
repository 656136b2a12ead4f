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

/** Whether the broker has the delayed-message plugin: others know no exchange of its type. */
export async function hasDelayPlugin(url: string): Promise<boolean> {
  const model = await connect(url)
  model.on('error', () => undefined)
  try {
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    const name = `dueque-demo-plugin-${process.pid}`
    await channel.assertExchange(name, 'x-delayed-message', { arguments: { 'x-delayed-type': 'fanout' } })
    await channel.deleteExchange(name)
    return true
  } catch {
    return false
  } finally {
    await model.close().catch(() => undefined) // which the broker has closed over the unknown type
  }
}

export async function deleteQueues(url: string, queues: readonly string[]): Promise<void> {
  const model = await connect(url)
  const channel = await model.createChannel()
  for (const queue of queues) await channel.deleteQueue(queue)
  await model.close()
}
