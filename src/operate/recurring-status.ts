import { closeChannel } from '../amqp/connection/close-channel.js'
import { operationFailure } from '../amqp/connection/failures.js'
import type { AmqpConnection } from '../amqp/connection/connection.js'
import { withConnection } from '../amqp/connection/operator-connection.js'
import type { Names } from '../amqp/topology/names.js'
import { errorText, isDuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { DEFINITIONS } from '../log/horizons.js'
import { recurringLayout } from '../log/log-layout.js'
import { decodeDefinition } from '../recurring/definition.js'
import { tickQueue } from '../recurring/recurring-layout.js'
import { DefinitionTable } from '../strategies/definitions/definition-table.js'
import { replayDefinitions } from '../strategies/definitions/replay-definitions.js'
import type { MessageStore } from '../strategies/store/message-store.js'
import type { DefinitionRecord } from '../strategies/recurring-definitions.js'
import type { OperatorSettings } from './operator-settings.js'

/** Recurring messages of a namespace. */
export interface RecurringStatus {
  /** Those that this version can read. Null if the stream could not be read, or if a store keeps them. */
  definitions: number | null
  /** Records that are no definitions that this version can read. */
  unreadable: number
  /** Processes that send them, one at a time: consumers of the queue of ticks. Null without that queue. */
  tickers: number | null
  /** Why definitions could not be read. */
  unread?: string
}

/**
 * The state of recurring messages. Null if there are none.
 *
 * @param isThere whether a queue is there
 */
export async function recurringStatus(
  settings: OperatorSettings,
  isThere: (queue: string) => boolean,
): Promise<RecurringStatus | null> {
  if (!namesOf(settings.names).some(isThere)) return null
  try {
    return await withConnection(settings, (connection) => recurringOn(connection, settings, isThere))
  } catch (error) {
    return unread(error)
  }
}

export interface RecurringPlace {
  names: Names
  logger: Logger
  /** An open store that may keep the definitions. */
  store?: Pick<MessageStore, 'definitions'> | undefined
}

/**
 * As {@link recurringStatus}, on a connection that is open. The answer says so if this user may not look at
 * the queue of ticks.
 *
 * @throws DuequeError if the connection is lost
 */
export async function recurringOn(
  connection: AmqpConnection,
  place: RecurringPlace,
  isThere: (queue: string) => boolean,
): Promise<RecurringStatus | null> {
  const [stream, queue] = namesOf(place.names)
  let tickers: number | null = null
  try {
    if (isThere(queue)) tickers = await consumersOf(connection, queue)
  } catch (error) {
    if (isDuequeError(error, 'PERMISSION_DENIED')) return unread(error)
    throw error
  }
  const isInStream = isThere(stream)
  if (tickers === null && !isInStream && !place.store) return null
  const counted = await countDefinitions(connection, place, isInStream ? stream : undefined)
  return tickers === null && !isInStream && counted.definitions === 0 ? null : { ...counted, tickers }
}

function unread(error: unknown): RecurringStatus {
  return { definitions: null, unreadable: 0, tickers: null, unread: errorText(error) }
}

async function countDefinitions(
  connection: AmqpConnection,
  { logger, store }: RecurringPlace,
  stream: string | undefined,
): Promise<Omit<RecurringStatus, 'tickers'>> {
  let [definitions, unreadable] = [0, 0]
  const count = (record: DefinitionRecord) => (isReadable(record) ? definitions++ : unreadable++)
  const table = new DefinitionTable()
  try {
    if (store) for await (const record of store.definitions.all()) count(record)
    else if (stream === undefined) return { definitions: null, unreadable }
    else
      await replayDefinitions({
        ...{ connection, stream, logger },
        onRecord: (record, at) => table.add(record, at),
        onUnreadable: () => unreadable++,
      })
  } catch (error) {
    return { definitions: null, unreadable, unread: errorText(error) }
  }
  for (const record of table.all()) count(record)
  return { definitions, unreadable }
}

function isReadable(record: DefinitionRecord): boolean {
  try {
    decodeDefinition(record)
    return true
  } catch {
    return false
  }
}

/** The stream of definitions, and the queue of ticks. */
function namesOf(names: Names): [stream: string, queue: string] {
  return [recurringLayout(names).stream(DEFINITIONS), tickQueue(names)]
}

async function consumersOf(connection: AmqpConnection, queue: string): Promise<number> {
  const channel = await (await connection.ready()).createChannel()
  // Reported by the operation that caused it.
  channel.on('error', () => undefined)
  try {
    const { consumerCount } = await channel.checkQueue(queue)
    await closeChannel(channel)
    return consumerCount
  } catch (error) {
    throw operationFailure(error, `queue ${queue}`, 'configure')
  }
}
