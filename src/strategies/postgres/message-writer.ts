import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { invalidOption } from '../../base/errors.js'
import type { AddOptions } from '../store/message-store.js'
import type { OnConflict } from '../strategy.js'
import { entryKey } from '../waiting-view.js'
import { conflict, conflictsUnread } from '../waitlist.js'
import type { PostgresTransaction } from './clients.js'
import { assertInside, type CallerTransactions, type Inside } from './transactions/caller-transactions.js'
import { ALWAYS, NOTIFY_BEFORE_MS } from './notify.js'
import { Inserter } from './inserter.js'
import type { Queries } from './queries.js'
import { holdsOf, insertValues, rowOf, textOf, type MessageRow } from './row.js'
import type { PostgresWaitlist } from './postgres-waitlist.js'

interface MessageWriterOptions {
  queries: Queries
  callers: CallerTransactions
  waiting: PostgresWaitlist
  channel: string
  /** Called when a message was added. */
  added: (readyAt: number) => void
}

/** Inserts messages: alone, in batches, or in the caller's transaction. */
export class MessageWriter {
  readonly #options: MessageWriterOptions
  readonly #inserter: Inserter<MessageRow>

  constructor(options: MessageWriterOptions) {
    this.#options = options
    this.#inserter = new Inserter(
      (rows) => this.#insert({ run: options.queries.run, xid: null }, rows, NOTIFY_BEFORE_MS),
      ({ body }) => body.byteLength,
    )
  }

  /** @throws DuequeError `CONFLICT`, `INVALID_OPTION`, `STORE_ERROR` */
  async add(message: DelayedMessage, { onConflict, transaction, holdMs }: AddOptions): Promise<DelayedMessage | void> {
    const instead = transaction
      ? await this.#addIn(transaction as PostgresTransaction, message, onConflict)
      : await this.#add(message, onConflict, holdMs)
    if (!instead && !transaction) this.#options.added(readyAt(message))
    return instead
  }

  end(): Promise<void> {
    return this.#inserter.end()
  }

  #add(
    message: DelayedMessage,
    onConflict: OnConflict | undefined,
    holdMs: number | undefined,
  ): Promise<DelayedMessage | void> {
    if (onConflict === undefined) return this.#inserter.add(rowOf(message, holdMs))
    return this.#options.queries.transaction((run) => this.#addAlone({ run, xid: null }, message, onConflict))
  }

  /** The notification goes out with the commit, however late that is: so there is always one. */
  #addIn(
    transaction: PostgresTransaction,
    message: DelayedMessage,
    onConflict: OnConflict | undefined,
  ): Promise<DelayedMessage | void> {
    return this.#options.callers.run(transaction, (inside) =>
      onConflict === undefined
        ? this.#insert(inside, [rowOf(message)], ALWAYS)
        : this.#addAlone(inside, message, onConflict),
    )
  }

  /** Of all that do this under one id, one after the other. No statement fails, for the sake of the caller's transaction. */
  async #addAlone(inside: Inside, message: DelayedMessage, onConflict: OnConflict): Promise<DelayedMessage | void> {
    const { waiting } = this.#options
    const { run, xid } = inside
    const id = textOf(message.id)
    const [lock] = await run('lockId', [id])
    assertReadsCommitted(lock?.[0])
    // This statement begins after the lock was taken, and so sees the commits of earlier owners of the lock.
    const { messages: others, isOther } = await waiting.lookUp(message.id, run)
    if (others.some((other) => entryKey(other) === entryKey(message))) return
    if (others[0] && onConflict === 'ignore') return others[0]
    if (isOther && onConflict === 'ignore') throw conflictsUnread(message.id, 'postgres')
    if (isOther && onConflict === 'error') throw conflict(message.id)
    if (isOther) await run('removeId', [id, xid])
    await this.#insert(inside, [rowOf(message)], ALWAYS)
  }

  async #insert({ run, xid }: Inside, rows: readonly MessageRow[], notifyBeforeMs: number): Promise<void> {
    const first = rows.reduce((least, row) => Math.min(least, row.readyAt), Infinity)
    const { channel } = this.#options
    const told = await run('insert', [...insertValues(rows), channel, first, notifyBeforeMs, holdsOf(rows), xid])
    // Inside of it there is always a notification.
    assertInside(xid === null || told.length > 0)
  }
}

/** A snapshot that is older than the lock does not show what the others have done. */
function assertReadsCommitted(isolation: unknown): void {
  if (isolation === 'read committed' || isolation === 'read uncommitted') return
  throw invalidOption('onConflict', 'a transaction in READ COMMITTED', isolation)
}
