import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { PlacedMessages } from '../../journal/placed-messages.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { LostMessages } from './lost-messages.js'
import type { RestoreSettings } from './restore-options.js'

/**
 * The lost messages with their bodies, as fast as they are taken: their part of the journal is read a second time, because it
 * may be larger than the memory.
 *
 * @throws DuequeError `JOURNAL_UNREAD`
 */
export async function* messagesOf(
  lost: LostMessages,
  connection: AmqpConnection,
  { source }: Pick<RestoreSettings, 'source'>,
): AsyncGenerator<DelayedMessage, void, undefined> {
  const placed = new PlacedMessages(connection, source.names)
  for (const { stream, first, last } of lost.ranges())
    for await (const [entry] of placed.all(stream, first, last)) {
      const { body, ...rest } = entry.message
      if (body && lost.claim(entry)) yield { ...rest, body }
    }
}
