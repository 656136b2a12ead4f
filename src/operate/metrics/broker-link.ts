import type { ChannelModel } from 'amqplib'
import { closeChannel } from '../../amqp/connection/close-channel.js'
import { AmqpConnection } from '../../amqp/connection/connection.js'
import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import { quietEvents } from '../../amqp/connection/quiet-events.js'
import { DuequeError, errorText } from '../../base/errors.js'
import { endsWithin } from '../../base/time-limit.js'
import { clusterOf } from '../management/same-broker.js'

/** For so long a count waits to hear which broker it is. */
const CLUSTER_MS = 1000

/** One connection for many looks. It is opened by the first look at which the broker answers, and comes back by itself. */
export class BrokerLink {
  readonly #settings: ConnectionSettings
  #opened: { readonly connection: AmqpConnection; readonly opening: Promise<void> } | undefined
  #isClosed = false
  #cluster: string | undefined

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
    await closeChannel(channel)
    return model
  }

  /** The cluster that it leads to, or last led to. Undefined if that is not known, perhaps only for now. */
  async cluster(): Promise<string | undefined> {
    if (this.#cluster !== undefined) return this.#cluster
    const asked = this.model().then(
      (model) => (this.#cluster = clusterOf(model)),
      () => undefined,
    )
    await endsWithin(asked, CLUSTER_MS)
    return this.#cluster
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
