import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'
import { Declarer } from '../../amqp/topology/declarer.js'
import { DuequeError } from '../../base/errors.js'
import { JournalReading, type JournalIntake } from '../../journal/reading/journal-reading.js'
import { sourceOver } from '../../journal/reading/journal-source.js'
import { PlacedMessages } from '../../journal/reading/placed-messages.js'
import { cancellationLayout, journalLayout, type LogLayout } from '../../log/log-layout.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { OperatorSettings } from '../operator-settings.js'
import { LostMessages } from './lost-messages.js'
import { showsPresence } from './presence.js'
import type { RestoreSettings } from './restore-options.js'

/**
 * The messages that waited at the source, without those that the target has. Nothing is declared.
 *
 * @throws DuequeError `TOPOLOGY_MISSING` if the source lacks a stream: messages would be missing, or cancelled ones come back
 */
export async function readLost(connection: AmqpConnection, settings: RestoreSettings): Promise<LostMessages> {
  const { source, target, lostAt, isOwn } = settings
  const lost = new LostMessages(lostAt.at, source.cancellations.graceMs)
  await assertStreams(connection, source)
  await read(connection, source, lost, settings)
  const rule = { lostAt: lostAt.isGiven ? lostAt.at : undefined, isOwn }
  const compare: JournalIntake = {
    take(record) {
      if (record.refused === undefined && showsPresence(record, rule)) lost.present(record)
    },
    cancel: () => undefined,
  }
  await withConnection(target, async (own) => {
    const journal = journalLayout(target.names)
    const missing = await missingStreams(own, target, [journal])
    // Without any of them, nothing was restored.
    if (missing.length < journal.streams().length) await read(own, target, compare, settings)
  })
  lost.decide()
  return lost
}

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

async function read(
  connection: AmqpConnection,
  settings: OperatorSettings,
  intake: JournalIntake,
  { lostAt, signal, onRead }: RestoreSettings,
): Promise<void> {
  const source = sourceOver(connection, settings, () => lostAt.at)
  const reading = await JournalReading.open({ source, connection, intake, onRecords: onRead, closing: signal })
  try {
    await reading.reached()
  } finally {
    await reading.close()
  }
}

async function assertStreams(connection: AmqpConnection, settings: OperatorSettings): Promise<void> {
  const { names } = settings
  const missing = await missingStreams(connection, settings, [journalLayout(names), cancellationLayout(names)])
  const [resource] = missing
  if (resource === undefined) return
  const what = `streams of the journal or of the cancellations are missing: ${missing.join(', ')}`
  const todo = 'Copy them all. To declare those empty that have nothing: dueque topology apply --journal'
  throw new DuequeError('TOPOLOGY_MISSING', `${what}. ${todo}`, { resource })
}

async function missingStreams(
  connection: AmqpConnection,
  settings: OperatorSettings,
  layouts: readonly LogLayout[],
): Promise<string[]> {
  const declarer = new Declarer(connection, settings)
  const missing: string[] = []
  for (const { name } of layouts.flatMap((layout) => layout.streams()))
    if (!(await declarer.exists('queue', name))) missing.push(name)
  declarer.close()
  return missing
}
