import { withConnection } from '../../amqp/connection/operator-connection.js'
import { assertDestinations, planOf } from './plan-of.js'
import { messagesOf, readLost } from './read-lost.js'
import { restoreSettings, type RestoreOptions } from './restore-options.js'
import type { RestorePlan } from './restore-plan.js'
import { runRestore, type RestoreCounts } from './run-restore.js'

/** The plan, and its outcome. Without `execute` all messages are left. */
export interface RestoreResult extends RestoreCounts {
  readonly plan: RestorePlan
}

/**
 * Schedules again the messages that a lost broker had waiting, with their ids and revisions and everything else, from its
 * journal and its cancellations, or from copies of both. Messages that became due since are delivered at once. It skips
 * messages that were cancelled or refused, and those that the target's journal has. If it is killed half-way, repeat it: a
 * message is there twice at worst, never missing, and a dedupe store suppresses the second.
 *
 * @throws DuequeError `TOPOLOGY_MISSING` if the source lacks a stream, `DESTINATION_MISSING` before anything is sent,
 * `INVALID_OPTION`, `JOURNAL_UNREAD`, `PERMISSION_DENIED`; as `connect` does
 * @example
 * const { plan } = await restoreJournal({ url, from: { url: 'amqp://localhost/backup' } })
 */
export async function restoreJournal(options: RestoreOptions = {}): Promise<RestoreResult> {
  const settings = restoreSettings(options)
  return withConnection(settings.source, async (connection) => {
    const lost = await readLost(connection, settings)
    const plan = await planOf(lost, settings)
    await options.onPlan?.(plan)
    if (!options.execute || plan.messages === 0) return { plan, restored: 0, failed: 0, left: plan.messages }
    assertDestinations(plan, options.declare)
    return { plan, ...(await runRestore(messagesOf(lost, connection, settings), settings, plan.messages)) }
  })
}
