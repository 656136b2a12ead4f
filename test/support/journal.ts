import { connect as connectRaw } from 'amqplib'
import { onTestFinished } from 'vitest'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { openConnection } from '../../src/amqp/connection/operator-connection.js'
import { Names } from '../../src/amqp/topology/names.js'
import type { Logger } from '../../src/base/logger.js'
import type { JournalSource } from '../../src/journal/reading/journal-source.js'
import { JournalView } from '../../src/journal/view/journal-view.js'
import { withJournal, type WithJournalOptions } from '../../src/journal/with-journal.js'
import { GRACE_MS } from '../../src/log/horizons.js'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import { resolveOptions } from '../../src/options.js'

/** Asks the journal of a namespace as an operator does. */
export function askJournal<T>(
  url: string,
  namespace: string,
  work: (journal: JournalView) => Promise<T>,
  { logger = false, ...options }: WithJournalOptions & { logger?: Logger | false } = {},
): Promise<T> {
  const settings = resolveOptions({ url, logger })
  return withJournal({ ...settings, endpoints: parseEndpoints(url), names: new Names(namespace) }, work, options)
}

/** Writes what it is given into the streams of the journal, without dueque. It ends with the test. */
export async function journalWriter(url: string, namespace: string) {
  const model = await connectRaw(url, { noDelay: true })
  model.on('error', () => undefined)
  onTestFinished(() => model.close().catch(() => undefined))
  const channel = await model.createConfirmChannel()
  /** Lines, or the body of one message of the stream. Resolves when it is confirmed. */
  const write = async (horizon: string, what: readonly string[] | Buffer, writtenAt = Date.now()) => {
    const body = Buffer.isBuffer(what) ? what : Buffer.from(what.join('\n'))
    const timestamp = Math.floor(writtenAt / 1000)
    channel.publish(`${namespace}.v1.journal`, horizon, body, { persistent: true, timestamp })
    await channel.waitForConfirms()
  }
  return { channel, write, stream: (horizon: string) => `${namespace}.v1.journal.${horizon}` }
}

/** A message of which only some fields matter. It is due in ten minutes. */
export function delayed(rest: Partial<DelayedMessage> & Pick<DelayedMessage, 'id'>): DelayedMessage {
  const now = Date.now()
  return {
    name: 'test.note',
    version: 0,
    body: Buffer.from('{"n":1}'),
    destination: { queue: 'reminders' },
    dueAt: now + 600_000,
    scheduledAt: now,
    expiresAt: undefined,
    revision: now * 1000,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...rest,
  }
}

/** A view of a journal on a connection of its own, by which nothing is declared. It ends with the test. */
export async function journalView(
  url: string,
  namespace: string,
  { maxEntries = Infinity, logger = false, ...source }: ViewOptions = {},
): Promise<JournalView> {
  const settings = resolveOptions({ url, logger })
  const connection = await openConnection({ ...settings, endpoints: parseEndpoints(url) })
  onTestFinished(() => connection.close())
  const view = new JournalView(
    {
      names: new Names(namespace),
      connect: () => Promise.resolve({ connection, release: () => Promise.resolve() }),
      now: () => Date.now(),
      graceMs: GRACE_MS,
      isNews: () => true,
      ...source,
      logger: settings.logger,
    },
    { maxEntries },
  )
  onTestFinished(() => view.close())
  return view
}

interface ViewOptions extends Pick<Partial<JournalSource>, 'connect' | 'declare' | 'silentMs'> {
  maxEntries?: number
  logger?: Logger | false
}
