import { withConnection } from '../amqp/connection/operator-connection.js'
import { journalLayout } from '../log/log-layout.js'
import { countMessages } from './count-messages.js'
import type { OperatorSettings } from './operator-settings.js'

/**
 * Whether the namespace has a journal of waiting messages. Without one, the look leaves a line in the broker's log for each of its
 * streams.
 *
 * @throws DuequeError as `connect` does
 */
export function hasJournal(settings: OperatorSettings): Promise<boolean> {
  const streams = journalLayout(settings.names).streams()
  return withConnection(settings, async (connection) => {
    const names = streams.map(({ name }) => name)
    return (await countMessages(await connection.ready(), names)).size > 0
  })
}
