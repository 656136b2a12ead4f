import { connect } from 'amqplib'
import { brokerUrl } from './broker.js'

/** The reason why the plugin cannot be tested; undefined if the broker has it. */
export async function whyNoPlugin(): Promise<string | undefined> {
  const model = await connect(brokerUrl())
  model.on('error', () => undefined)
  try {
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    const name = `dueque-test-plugin-${process.pid}`
    await channel.assertExchange(name, 'x-delayed-message', {
      durable: false,
      arguments: { 'x-delayed-type': 'fanout' },
    })
    await channel.deleteExchange(name)
    return undefined
  } catch {
    return 'skipped: this broker does not have the delayed-message plugin; CONTRIBUTING.md says how to give it one'
  } finally {
    await model.close().catch(() => undefined)
  }
}
