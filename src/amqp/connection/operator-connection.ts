import { AmqpConnection } from './connection.js'
import type { ConnectionSettings } from './connect-to.js'
import { quietEvents } from './quiet-events.js'

/**
 * A connection for the work of an operator. Its events are ignored, because the work itself reports a failure.
 *
 * @throws DuequeError as `connect` does
 */
export async function openConnection(settings: ConnectionSettings): Promise<AmqpConnection> {
  const connection = new AmqpConnection(settings, quietEvents())
  await connection.open()
  return connection
}

/** As {@link openConnection}, and closes it when the work ends, however it ends. */
export async function withConnection<T>(
  settings: ConnectionSettings,
  work: (connection: AmqpConnection) => Promise<T>,
): Promise<T> {
  const connection = await openConnection(settings)
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}
