import type { ChannelModel } from 'amqplib'
import { withConnection } from '../amqp/connection/operator-connection.js'
import { aFunction, anything, flag, integer, texts } from '../base/checks.js'
import type { OnRecords } from '../journal/reading/journal-reading.js'
import type { MessageStore } from '../strategies/store/message-store.js'
import { countMessages } from './count-messages.js'
import { oldestDead } from './failed/look-at-failed.js'
import { journalStatusOn, type JournalStatus } from './journal-status.js'
import type { MessageCount } from './management/resources.js'
import { operatorSettings, type OperatorOptions, type OperatorSettings } from './operator-settings.js'
import { recurringOn } from './recurring-status.js'
import { reportOf, type StatusReport } from './status-report.js'
import { knownTargets } from './status/known-targets.js'
import { countQueues, readyCounts, type QueueCountOptions } from './status/queue-counts.js'
import { targetsOf, waitingSum, type TargetFacts } from './status/target-status.js'
import { lookAtWaiting, type WaitingLook } from './status/waiting-look.js'

export interface StatusOptions extends OperatorOptions, QueueCountOptions {
  /** An open store in which messages wait. It stays the caller's to close. */
  store?: MessageStore | undefined
  /** Reads the whole store, or else the whole journal, for the waiting messages of each target. @default true */
  readWaiting?: boolean | undefined
  /** Records of the journal that were read, of about how many. */
  onReading?: OnRecords | undefined
}

/**
 * Counts the messages of a namespace: by target the due, waiting and dead ones, and by purpose those in the rungs, in outlets,
 * unroutable, parked and dead ones. Asks the management API; without one, counts over AMQP, which shows less. The waiting
 * messages of a target are those of the store, or else of the journal; without either they are not known. The first message
 * of each dead queue is taken and given back, to know when it died.
 *
 * @throws DuequeError `MANAGEMENT_FAILED` if the API was named, and does not answer or is that of another broker;
 * `STORE_ERROR`; as `connect` does
 * @example
 * const { targets, parked } = await statusReport({ url: 'amqp://localhost' })
 */
export async function statusReport(options: StatusOptions): Promise<StatusReport> {
  const settings = operatorSettings(options, RULES)
  const { names, namespace } = settings
  const { queues: only = [] } = options
  return withConnection(settings, async (connection) => {
    const model = await connection.ready()
    const counted = await countQueues(model, settings, options)
    const { source, counts, behind } = counted
    const isThere = (queue: string) => counts.has(queue)
    const { journal, waiting } = await readWaiting(settings, options, await journalStatusOn(model, names, isThere))
    const recurring = await recurringOn(connection, { ...settings, store: options.store }, isThere)
    const report = reportOf(namespace, source, { counts, journal, recurring, dead: behind?.dead }, only)
    const looked = behind ? { counts, denied: NONE } : await withTargets(model, counts, waiting, only)
    const targets = targetsOf({
      ...knownTargets(names, counted, report.dead),
      only,
      ...looked,
      existing: behind?.exchanges,
      waiting: waiting?.counts,
      dead: new Map(report.dead.map(({ queue, messages }) => [queue, messages])),
      oldestDead: await oldestDead(connection, report.dead),
    })
    return { ...report, targets, waitingIn: waiting ? waitingSum(waiting.source, waiting.counts) : null }
  })
}

const RULES = {
  queues: texts,
  shards: integer(1, 64),
  store: anything,
  readWaiting: flag,
  onProgress: aFunction,
  onReading: aFunction,
  onWithoutManagement: aFunction,
}

/** A journal that cannot be read as a whole says so. */
async function readWaiting(
  settings: OperatorSettings,
  { store, readWaiting: isWanted = true, onReading }: StatusOptions,
  journal: JournalStatus | null,
): Promise<{ journal: JournalStatus | null; waiting?: WaitingLook }> {
  const hasJournal = journal !== null && journal.unread === undefined
  if (!isWanted || (!store && !hasJournal)) return { journal }
  const waiting = await lookAtWaiting(settings, { store, onReading })
  return typeof waiting === 'string' ? { journal: journal && { ...journal, unread: waiting } } : { journal, waiting }
}

const NONE: ReadonlySet<string> = new Set()

/** With those of the queues that were named, or that messages wait for. This user may not look at some of them. */
async function withTargets(
  model: ChannelModel,
  counts: ReadonlyMap<string, MessageCount>,
  waiting: WaitingLook | undefined,
  only: readonly string[],
): Promise<Pick<TargetFacts, 'counts' | 'denied'>> {
  const queues = only.length > 0 ? only : (waiting?.counts.flatMap(({ destination }) => destination.queue ?? []) ?? [])
  const denied = new Set<string>()
  const found = await countMessages(model, [...new Set(queues)], { onDenied: (queue) => denied.add(queue) })
  return { counts: new Map([...counts, ...readyCounts(found)]), denied }
}
