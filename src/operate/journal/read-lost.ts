import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'
import { Declarer } from '../../amqp/topology/declarer.js'
import { systemClock } from '../../base/clock.js'
import { DuequeError } from '../../base/errors.js'
import { throttle } from '../../base/throttle.js'
import { JournalReading, type JournalIntake } from '../../journal/journal-reading.js'
import { cancellationLayout, journalLayout, type LogLayout } from '../../log/log-layout.js'
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

async function read(
  connection: AmqpConnection,
  { names, logger, cancellations }: OperatorSettings,
  intake: JournalIntake,
  { lostAt, signal, onRead }: RestoreSettings,
): Promise<void> {
  const source = {
    names,
    logger,
    isNews: throttle(systemClock),
    graceMs: cancellations.graceMs,
    now: () => lostAt.at,
    connect: () => Promise.resolve({ connection, release: () => Promise.resolve() }),
  }
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
