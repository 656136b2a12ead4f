import { AmqpConnection } from './connection.js'
import type { ConnectionSettings } from './connect-to.js'
import { quietEvents } from './quiet-events.js'

/**
 * A connection for the work of an operator, of whose ups and downs nobody has to hear: the work itself tells.
 *
 * @throws DuequeError as `connect` does
 */
export async function openConnection(settings: ConnectionSettings): Promise<AmqpConnection> {
  const connection = new AmqpConnection(settings, quietEvents())
  await connection.open()
  return connection
}

/** As {@link openConnection}, and closes it whatever becomes of the work. */
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
