import { connect as connectRaw } from 'amqplib'
import { onTestFinished } from 'vitest'

/** Writes what it is given into the cancellation streams, without dueque. It ends with the test. */
export async function cancellationWriter(url: string, namespace = 'dueque') {
  const model = await connectRaw(url, { noDelay: true })
  model.on('error', () => undefined)
  onTestFinished(() => model.close().catch(() => undefined))
  const channel = await model.createConfirmChannel()
  /** Records, or the body of one message, as it was written at a time. Resolves when it is confirmed. */
  const write = async (horizon: string, what: readonly object[] | Buffer, writtenAt = Date.now()) => {
    const body = Buffer.isBuffer(what) ? what : Buffer.from(what.map((record) => JSON.stringify(record)).join('\n'))
    const timestamp = Math.floor(writtenAt / 1000)
    channel.publish(`${namespace}.v1.cancellations`, horizon, body, { persistent: true, timestamp })
    await channel.waitForConfirms()
  }
  const stream = (horizon: string) => `${namespace}.v1.cancellations.${horizon}`
  return { channel, write, stream }
}
