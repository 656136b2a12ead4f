import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { errorText } from '../../base/errors.js'
import { silent, type Logger } from '../../base/logger.js'
import { withTimeLimit } from '../../base/time-limit.js'
import { MAX_DELAY_MS } from '../../message/due.js'
import type {
  AddOptions,
  Claim,
  ClaimedMessage,
  ClaimRequest,
  MessageStore,
  StoreEnvironment,
} from '../store/message-store.js'
import type { StoreFaultCounts } from '../../health.js'
import { isSoonAfter, StoreFaults } from '../store/store-faults.js'
import { storedNumber } from '../store/stored-number.js'
import type { DestinationCount } from '../destination-counts.js'
import { isTick } from '../tick-mark.js'
import type { SpanCount, WaitlistFilter } from '../waiting-view.js'
import { conflict, conflictsUnread, type Waitlist } from '../waitlist.js'
import { firstOf, messageOf, scoreOf, tagOf, valueOf } from './entry.js'
import { isReply, STORE } from './failures.js'
import { keysOf } from './keys-of.js'
import type { RedisPort } from './clients/port.js'
import { assertUnchanged } from './probe.js'
import { RedisDefinitions } from './redis-definitions.js'
import { latestFirst, RedisWaitlist } from './redis-waitlist.js'
import { ScriptRunner, type Sure } from './script-runner.js'
import { ADD } from './scripts/change-scripts.js'
import { CLAIM, RELEASE, SETTLE } from './scripts/relay-scripts.js'
import { LOOK } from './scripts/server-scripts.js'
import { assertVersion, checkServer, factsOf } from './server-check.js'

export interface RedisStoreOptions {
  port: RedisPort
  prefix: string
  timeoutMs: number
  /** Has a key expire for each message when it is ready. */
  triggers?: boolean | undefined
}

/** What `claim` adds to find it again. */
interface InRedis extends ClaimedMessage {
  readonly field: Buffer
  /** By the monotonic clock. */
  readonly claimedAt: number
}

/** Settled and released messages in one call. */
const CHUNK = 1000
/** How long an unreadable entry is left alone. */
const UNREADABLE_MS = 60_000

/** The waiting messages, in four keys of one slot. */
export class RedisStore implements MessageStore {
  readonly name = STORE
  readonly limits = { maxDelayMs: MAX_DELAY_MS, orderMs: 50, leadMs: 0 }
  readonly spacingMs = 5
  readonly definitions: RedisDefinitions
  readonly #port: RedisPort
  readonly #scripts: ScriptRunner
  readonly #channel: string
  readonly #waitlist: RedisWaitlist
  readonly #timeoutMs: number
  readonly #faults = new StoreFaults(STORE)
  /** Messages that may have been settled: the answer was lost. */
  readonly #unsure = new WeakSet<ClaimedMessage>()
  #logger: Logger = silent

  constructor({ port, prefix, timeoutMs, triggers = false }: RedisStoreOptions) {
    this.#port = port
    this.#timeoutMs = timeoutMs
    this.#scripts = new ScriptRunner(port, { keys: keysOf(prefix, triggers), timeoutMs })
    this.#channel = `{${prefix}}:earliest`
    const read = (value: Buffer, name: () => string) => this.#read(value, name, true)
    this.#waitlist = new RedisWaitlist({ scripts: this.#scripts, channel: this.#channel, read })
    const unreadable = (entry: string, error: unknown) => this.#faults.unreadable(entry, error)
    this.definitions = new RedisDefinitions({ scripts: this.#scripts, prefix, unreadable })
  }

  async open(environment: StoreEnvironment): Promise<void> {
    const { logger } = environment
    this.#logger = logger
    this.#faults.open(environment)
    this.#port.open()
    await assertUnchanged(this.#scripts)
    const facts = factsOf(String(await this.#scripts.run(LOOK, [])))
    assertVersion(facts)
    for (const { severity, what, todo } of checkServer(facts))
      if (severity !== 'ok') logger[severity === 'note' ? 'info' : 'warn'](what, { store: STORE, todo })
  }

  async add(message: DelayedMessage, { onConflict, holdMs = 0 }: AddOptions): Promise<DelayedMessage | void> {
    const tag = tagOf(message)
    const entry = [firstOf(message.id), tag, scoreOf(message), valueOf(message, tag)]
    const how = [onConflict ?? '', this.#channel, String(Math.ceil(holdMs)), markOf(message)]
    const reply = await this.#scripts.run(ADD, [...entry, ...how])
    if (!Array.isArray(reply)) return
    if (onConflict === 'error') throw conflict(message.id)
    const name = () => firstOf(message.id).toString('hex')
    const instead = (reply as Buffer[]).flatMap((value) => this.#read(value, name, true) ?? []).sort(latestFirst)[0]
    // It was not added.
    if (!instead) throw conflictsUnread(message.id, STORE)
    return instead
  }

  async claim({ now: given, limit, leaseMs }: ClaimRequest): Promise<Claim> {
    const claimedAt = performance.now()
    const reply = await this.#scripts.run(CLAIM, [String(given ?? ''), String(limit), String(leaseMs)])
    const [lease, nextWaiting, nextLease, missing, ...found] = reply as [Buffer, Buffer, Buffer, Buffer, ...Buffer[]]
    const claimed: InRedis[] = []
    const unreadable: { field: Buffer; lease: string }[] = []
    const text = lease.toString()
    // A lease is a time of Redis, in microseconds.
    const now = given ?? Math.floor(storedNumber(lease, STORE) / 1000) - leaseMs
    for (let i = 0; i < found.length; i += 2) {
      const field = found[i]!
      const message = this.#read(found[i + 1]!, () => field.toString('hex'))
      if (message) claimed.push({ message, lease: text, field, claimedAt })
      else unreadable.push({ field, lease: text })
    }
    if (unreadable.length > 0) this.#leave(unreadable, now + UNREADABLE_MS)
    this.#faults.missing(storedNumber(missing, STORE))
    const nextAt = Math.min(
      nextWaiting.length > 0 ? storedNumber(nextWaiting, STORE) : Infinity,
      nextLease.length > 0 ? now + storedNumber(nextLease, STORE) : Infinity,
    )
    return { now, claimed, nextAt: nextAt === Infinity ? undefined : nextAt }
  }

  async settle(claimed: readonly ClaimedMessage[]): Promise<void> {
    for (const chunk of chunks(claimed as readonly InRedis[])) {
      const pairs = chunk.flatMap(({ field, lease }) => [field, lease])
      await this.#leaveLease(chunk, () => this.#scripts.runSure(SETTLE, pairs), { isDelivered: true })
    }
  }

  async postpone(claimed: readonly ClaimedMessage[], until: number): Promise<void> {
    // Never before its time.
    const at = (message: DelayedMessage) => String(Math.max(until, readyAt(message)))
    for (const chunk of chunks(claimed as readonly InRedis[])) {
      const each = chunk.flatMap(({ field, lease, message }) => [field, lease, at(message), markOf(message)])
      await this.#leaveLease(chunk, () => this.#scripts.runSure(RELEASE, [this.#channel, ...each]), {
        isDelivered: false,
      })
    }
  }

  find(id: string): Promise<readonly DelayedMessage[]> {
    return this.#waitlist.find(id)
  }

  remove(message: DelayedMessage): Promise<boolean> {
    return this.#waitlist.remove(message)
  }

  replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    return this.#waitlist.replace(message, by)
  }

  list(...args: Parameters<Waitlist['list']>): Promise<readonly DelayedMessage[]> {
    return this.#waitlist.list(...args)
  }

  count(filter: WaitlistFilter): Promise<number> {
    return this.#waitlist.count(filter)
  }

  countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]> {
    return this.#waitlist.countBy(filter, spanMs)
  }

  countByDestination(): Promise<readonly DestinationCount[]> {
    return this.#waitlist.countByDestination()
  }

  async watch(listener: (readyAt: number) => void): Promise<() => Promise<void>> {
    // Anybody may publish there.
    const heard = (text: string) => {
      if (/^-?\d{1,16}$/.test(text)) listener(Number(text))
    }
    const subscription = this.#port.subscribe(this.#channel, heard, () => listener(0))
    try {
      await withTimeLimit(subscription.subscribed, this.#timeoutMs)
    } catch (error) {
      const what = 'cannot subscribe: what others schedule earlier than all that waits is seen after relay.backstopMs'
      this.#logger.warn(what, { store: STORE, error: errorText(error) })
      if (isReply(error)) await subscription.end()
    }
    return () => subscription.end()
  }

  health(): 'up' | 'down' {
    return this.#scripts.isUp ? 'up' : 'down'
  }

  faults(): StoreFaultCounts {
    return this.#faults.counts()
  }

  close(): Promise<void> {
    this.#port.close()
    return Promise.resolve()
  }

  /**
   * The message of a value. An entry that a later version or somebody else has written cannot be read, and stays where it is.
   *
   * @param name the name of the entry in Redis
   * @param mustBeFound whether the message is to be cancelled or changed later
   */
  #read(value: Buffer, name: () => string, mustBeFound = false): DelayedMessage | undefined {
    try {
      const message = messageOf(value)
      if (mustBeFound && !value.subarray(0, 8).equals(tagOf(message))) throw new Error('a tag of another message')
      return message
    } catch (error) {
      this.#faults.unreadable(name(), error)
      return undefined
    }
  }

  /**
   * Counts those that are gone, unless this was tried before and may have been done then. Those that may have been delivered count
   * only soon after their claim.
   */
  async #leaveLease(
    chunk: readonly InRedis[],
    work: () => Promise<Sure>,
    { isDelivered }: { isDelivered: boolean },
  ): Promise<void> {
    const isFirst = !chunk.some((one) => this.#unsure.has(one))
    try {
      const { reply, isSure } = await work()
      const isLost = !isDelivered || chunk.every(({ claimedAt }) => isSoonAfter(claimedAt))
      if (isFirst && isSure && isLost) this.#faults.missing(storedNumber(reply, STORE))
    } catch (error) {
      for (const one of chunk) this.#unsure.add(one)
      throw error
    }
  }

  #leave(found: readonly { field: Buffer; lease: string }[], until: number): void {
    const each = found.flatMap(({ field, lease }) => [field, lease, String(until), ''])
    // Otherwise its lease decides.
    this.#scripts.run(RELEASE, [this.#channel, ...each]).catch(() => undefined)
  }
}

/** Tells the scripts which messages are ticks. */
function markOf(message: DelayedMessage): string {
  return isTick(message) ? '1' : ''
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += CHUNK) yield items.slice(i, i + CHUNK)
}
