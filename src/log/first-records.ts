import { closeChannel } from '../amqp/connection/close-channel.js'
import type { AmqpConnection } from '../amqp/connection/connection.js'
import { operationFailure } from '../amqp/connection/failures.js'
import type { Declarer } from '../amqp/topology/declarer.js'
import { DuequeError } from '../base/errors.js'
import { TIMED_OUT, withTimeLimit } from '../base/time-limit.js'
import type { LogLayout } from './log-layout.js'
import type { Horizon } from './horizons.js'

/** The connection needs the right to write to the exchange. */
export interface FirstRecordSettings {
  connection: AmqpConnection
  declarer: Declarer
  layout: LogLayout
  timeoutMs: number
}

/**
 * Writes a record without content into each stream that has none, because a reader finds no end in an empty stream. A
 * repeated one does no harm.
 *
 * @throws DuequeError `PERMISSION_DENIED`, `PUBLISH_TIMEOUT`, `DESTINATION_MISSING`
 */
export async function writeFirstRecords({ timeoutMs, ...settings }: FirstRecordSettings): Promise<void> {
  try {
    await withTimeLimit(write(settings), timeoutMs)
  } catch (error) {
    if (error !== TIMED_OUT) throw error
    const message = `RabbitMQ did not confirm the first records of ${settings.layout.exchange}.* within ${timeoutMs} ms. It takes no messages while memory or disk are low. Repeat this when it does (option: publishTimeoutMs)`
    throw new DuequeError('PUBLISH_TIMEOUT', message, { waitedMs: timeoutMs })
  }
}

async function write({ connection, declarer, layout }: Omit<FirstRecordSettings, 'timeoutMs'>): Promise<void> {
  const empty: Horizon[] = []
  for (const horizon of layout.horizons) if ((await declarer.count(layout.stream(horizon))) === 0) empty.push(horizon)
  if (empty.length === 0) return
  await writeEmptyRecords(connection, layout, empty).catch((error: unknown) => {
    throw operationFailure(error, `exchange ${layout.exchange}`, 'write')
  })
}

/**
 * Writes a record without content into each of these streams.
 *
 * @throws the reason of the broker, if it gives one
 */
export async function writeEmptyRecords(
  connection: AmqpConnection,
  { exchange }: LogLayout,
  horizons: readonly Horizon[],
): Promise<void> {
  let reason: Error | undefined
  try {
    const channel = await (await connection.ready()).createConfirmChannel()
    channel.on('error', (error: Error) => (reason = error))
    const properties = { persistent: true, mandatory: true, timestamp: Math.floor(Date.now() / 1000) }
    for (const { name } of horizons) channel.publish(exchange, name, Buffer.alloc(0), properties)
    await channel.waitForConfirms()
    await closeChannel(channel)
  } catch (error) {
    throw reason ?? error
  }
}
