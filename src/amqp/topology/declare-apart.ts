import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../../base/backoff.js'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import { silent } from '../../base/logger.js'
import type { AmqpConnection } from '../connection/connection.js'
import type { ConnectionSettings } from '../connection/connect-to.js'
import { closeInTime } from '../connection/close-in-time.js'
import { isLoss, operationFailure } from '../connection/failures.js'
import { withConnection } from '../connection/operator-connection.js'
import type { ExchangePart } from './part.js'

/**
 * Declares an exchange of a type that RabbitMQ may not know, on a connection of its own: RabbitMQ 3.10 answers an unknown
 * type by closing the connection (503), 4.3 by closing the channel (406).
 *
 * @param shared the connection for which the exchange is declared: as long as it is open, this is tried again, whenever it
 * is connected
 * @throws DuequeError `UNSUPPORTED` if the type is unknown, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `CLOSED`
 */
export async function declareApart(
  shared: AmqpConnection,
  settings: ConnectionSettings,
  part: ExchangePart,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await shared.ready()
    try {
      // Silent: it is normal that RabbitMQ closes this connection.
      return await withConnection({ ...settings, logger: silent }, (connection) => declare(connection, part))
    } catch (error) {
      if (!isDuequeError(error, 'UNREACHABLE')) throw error
    }
    await pause(backoff(attempt))
  }
}

/** @throws DuequeError `UNREACHABLE` if the connection was lost without a reason */
async function declare(connection: AmqpConnection, part: ExchangePart): Promise<void> {
  const { name, type, arguments: args } = part
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
    if (/unknown exchange type/.test(errorText(error))) throw unsupported(part, version, error)
    if (!isLoss(error)) throw operationFailure(error, `exchange ${name}`, 'configure')
    throw new DuequeError('UNREACHABLE', errorText(error), { hosts: [] }, { cause: error })
  }
}

function unsupported({ type, ifUnknown = '' }: ExchangePart, version: string, cause: unknown): DuequeError {
  const message = `this RabbitMQ ${version} has no exchange type ${type}: ${ifUnknown}`
  return new DuequeError('UNSUPPORTED', message, { feature: type }, { cause })
}
