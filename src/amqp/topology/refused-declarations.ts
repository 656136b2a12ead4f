import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import { DuequeError, errorText, isDuequeError } from '../../base/errors.js'
import { silent } from '../../base/logger.js'
import type { AmqpConnection } from '../connection/connection.js'
import type { ConnectionSettings } from '../connection/connect-to.js'
import { isClientFault, isLoss, replyCode } from '../connection/failures.js'
import { withConnection } from '../connection/operator-connection.js'

/** After it has cost so many connections of its own, an operation is refused. There is a pause before each. */
const TRIALS = 3
const PAUSE_MS = 500
/** How long a refusal is remembered, so that a caller who asks again does not cost a connection each time. */
const REMEMBERED_MS = 60_000
const MOST_REMEMBERED = 1000

/**
 * Finds the declarations over which RabbitMQ closes the connection. It does so when its answer would be no valid text: for a
 * missing queue with a long name beyond ASCII. Repeated on the shared connection, such a declaration would close it for ever.
 */
export class RefusedDeclarations {
  readonly #shared: AmqpConnection
  readonly #settings: ConnectionSettings
  readonly #known = new Map<string, { error: DuequeError; until: number }>()

  /** @param shared the connection for which operations are tried: as long as it is open, whenever it is connected */
  constructor(shared: AmqpConnection, settings: ConnectionSettings) {
    this.#shared = shared
    this.#settings = { ...settings, logger: silent }
  }

  /** @throws DuequeError `DECLARATION_REFUSED` if the operation was refused a moment ago */
  check(what: string): void {
    const known = this.#known.get(what)
    if (!known) return
    if (known.until > performance.now()) throw known.error
    this.#known.delete(what)
  }

  /**
   * Repeats an operation that cost a connection on connections of its own.
   *
   * @throws DuequeError `DECLARATION_REFUSED` if it costs them too, `CLOSED`, and what the broker answers
   */
  async tryAlone(what: string, operation: (channel: Channel) => Promise<unknown>): Promise<void> {
    for (let trials = 0; ;) {
      await pause(PAUSE_MS, undefined, { ref: false })
      await this.#shared.ready()
      const failure = await this.#trial(operation)
      if (!failure) return
      if (isClientFault(failure) && ++trials === TRIALS) throw this.#refused(what, failure)
      if (!isLoss(failure) && !isClientFault(failure) && !isDuequeError(failure, 'UNREACHABLE')) throw failure
    }
  }

  async #trial(operation: (channel: Channel) => Promise<unknown>): Promise<Error | undefined> {
    try {
      await withConnection(this.#settings, async (connection) => {
        const model = await connection.ready()
        const reason = reasonOf(model)
        try {
          const channel = await model.createChannel()
          // Reported by the operation that caused it.
          channel.on('error', () => undefined)
          await operation(channel)
        } catch (error) {
          throw (isLoss(error) && (await reason.known())) || error
        }
      })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  #refused(what: string, cause: Error): DuequeError {
    const message =
      `RabbitMQ closes the connection when it is asked about ${what}: ${errorText(cause)}. ` +
      'It does so for some missing names of more than 200 bytes with characters beyond ASCII: choose a shorter one'
    const data = { resource: what, replyCode: replyCode(cause)! }
    const error = new DuequeError('DECLARATION_REFUSED', message, data, { cause })
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    this.#known.set(what, { error, until: performance.now() + REMEMBERED_MS })
    return error
  }
}

/** Learns why the broker closes a connection. The error of a failed operation on it does not say so. */
export function reasonOf(model: ChannelModel): { known: () => Promise<Error | undefined>; forget: () => void } {
  let reason: Error | undefined
  const listener = (error: Error) => (reason = error)
  model.on('error', listener)
  return {
    known: async () => {
      // Told in the same turn.
      await turn()
      return reason
    },
    forget: () => void model.off('error', listener),
  }
}
