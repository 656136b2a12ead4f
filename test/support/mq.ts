import { connect as connectRaw, type Channel } from 'amqplib'
import { onTestFinished } from 'vitest'
import { connect, type ConnectOptions, type LadderStrategy, type Strategy } from '../../src/index.js'

/** A connection that ends with the test. */
export async function open<S extends Strategy = LadderStrategy>(url: string, options: ConnectOptions<S> = {}) {
  const mq = await connect<S>({ url, ...options })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  return mq
}

/** A plain amqplib channel that ends with the test: another program, or an operator. */
export async function rawChannel(url: string): Promise<Channel> {
  const model = await connectRaw(url, { noDelay: true })
  model.on('error', () => undefined)
  onTestFinished(() => model.close().catch(() => undefined))
  const channel = await model.createChannel()
  channel.on('error', () => undefined)
  return channel
}

/** The error with which `promise` rejects. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('expected a rejection')
}
