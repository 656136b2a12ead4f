import type { ChannelModel } from 'amqplib'
import { AmqpConnection } from '../../amqp/connection/connection.js'
import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import { quietEvents } from '../../amqp/connection/quiet-events.js'
import { DuequeError, errorText } from '../../base/errors.js'

/** One connection for many looks. It is opened by the first look at which the broker answers, and comes back by itself. */
export class BrokerLink {
  readonly #settings: ConnectionSettings
  #opened: { readonly connection: AmqpConnection; readonly opening: Promise<void> } | undefined
  #isClosed = false

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
  }

  /**
   * The connection, after the broker has answered on it.
   *
   * @throws DuequeError as `connect` does, at once while the connection is away
   */
  async model(): Promise<ChannelModel> {
    if (this.#isClosed) throw new DuequeError('CLOSED', 'the connection is closed', {})
    this.#opened ??= this.#open()
    const { connection, opening } = this.#opened
    await opening
    const { model, failure } = connection
    if (!model) {
      const why = failure ? errorText(failure) : 'it was closed'
      throw new DuequeError('UNREACHABLE', `the connection is away: ${why}`, { hosts: [] }, { cause: failure })
    }
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    await channel.close()
    return model
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opened?.connection.close()
  }

  #open() {
    const connection = new AmqpConnection(this.#settings, quietEvents())
    const opening = connection.open()
    // The next look tries again.
    opening.catch(() => (this.#opened = undefined))
    return { connection, opening }
  }
}
