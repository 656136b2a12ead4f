import { DuequeError } from '../../base/errors.js'
import type { ConnectionSettings } from './connect-to.js'
import { AmqpConnection } from './connection.js'
import { quietEvents } from './quiet-events.js'

/** Further connections of a broker, for work that would hold up the others. The caller of {@link open} closes the connection. */
export class ApartConnections {
  readonly #settings: ConnectionSettings
  readonly #opened = new Set<AmqpConnection>()
  #isDestroyed = false

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
  }

  /** @throws DuequeError `CLOSED` after {@link destroy}; as `connect` does */
  async open(name: string): Promise<AmqpConnection> {
    if (this.#isDestroyed) throw closed()
    for (const other of this.#opened) if (other.closed) this.#opened.delete(other)
    const connection = new AmqpConnection({ ...this.#settings, name }, quietEvents())
    this.#opened.add(connection)
    try {
      await connection.open()
    } catch (error) {
      if (!connection.closed) connection.destroy()
      throw this.#isDestroyed ? closed() : error
    }
    if (connection.closed) throw closed()
    return connection
  }

  /** Ends those that are open or on their way. */
  destroy(): void {
    this.#isDestroyed = true
    for (const connection of this.#opened) connection.destroy()
  }
}

function closed(): DuequeError<'CLOSED'> {
  return new DuequeError('CLOSED', 'dueque is closed', {})
}
