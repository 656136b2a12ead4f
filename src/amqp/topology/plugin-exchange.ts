import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../../base/backoff.js'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import { silent } from '../../base/logger.js'
import type { AmqpConnection, ConnectionSettings } from '../connection/connection.js'
import { closeInTime } from '../connection/close-in-time.js'
import { isLoss, operationFailure } from '../connection/failures.js'
import type { ExchangePart } from './layout.js'
import { withConnection } from '../connection/operator-connection.js'

/**
 * Declares an exchange whose type is a plugin's, on a connection of its own: RabbitMQ 3.10 answers a type that it does not
 * know by closing the connection (503), 4.3 by closing the channel (406).
 *
 * @param beside what the exchange is for: this is tried again until it is closed, and not before it is connected
 * @throws DuequeError `UNSUPPORTED` on a broker without the plugin, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `CLOSED`
 */
export async function declarePluginExchange(
  beside: AmqpConnection,
  settings: ConnectionSettings,
  part: ExchangePart,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await beside.ready()
    try {
      // A connection that dies of it is no news.
      return await withConnection({ ...settings, logger: silent }, (connection) => declare(connection, part))
    } catch (error) {
      if (!isDuequeError(error, 'UNREACHABLE')) throw error
    }
    await pause(backoff(attempt))
  }
}

/** @throws DuequeError `UNREACHABLE` if the connection was lost without a reason */
async function declare(connection: AmqpConnection, { name, type, arguments: args }: ExchangePart): Promise<void> {
  const model = await connection.ready()
  const version = connection.broker?.version ?? ''
  let reason: Error | undefined
  const closed = new Promise<void>((resolve) => model.once('close', () => resolve()))
  model.on('error', (error) => (reason = error))
  try {
    const channel = await model.createChannel()
    // Reported by the operation that caused it.
    channel.on('error', () => undefined)
    await channel.assertExchange(name, type, { durable: true, arguments: args })
  } catch (failure) {
    // The operation fails before the connection says why.
    if (isLoss(failure)) await closeInTime(closed)
    const error = reason ?? failure
    if (/unknown exchange type/.test(errorText(error))) throw unsupported(type, version, error)
    if (!isLoss(error)) throw operationFailure(error, `exchange ${name}`, 'configure')
    throw new DuequeError('UNREACHABLE', errorText(error), { hosts: [] }, { cause: error })
  }
}

function unsupported(type: string, version: string, cause: unknown): DuequeError {
  const message =
    `this RabbitMQ ${version} has no exchange type ${type}: the delayed-message plugin is not enabled on it. It exists ` +
    'for RabbitMQ up to 4.2 (rabbitmq-plugins enable rabbitmq_delayed_message_exchange, on every node) and cannot run ' +
    'on 4.3. ladder() needs no plugin, and a store needs none either (option: strategy)'
  return new DuequeError('UNSUPPORTED', message, { feature: type }, { cause })
}
