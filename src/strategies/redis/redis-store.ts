import { LATEST_MS } from '../../base/clock.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { errorText, invalidOption } from '../../base/errors.js'
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
import { StoreFaults } from '../store/store-faults.js'
import { storedNumber } from '../store/stored-number.js'
import { fits, spanCounts, type Position, type SpanCount, type WaitlistFilter } from '../waiting-view.js'
import { conflict, conflictsUnread } from '../waitlist.js'
import { firstOf, marksOf, messageOf, placeOf, scoreOf, tagOf, valueOf } from './entry.js'
import { isReply, STORE } from './failures.js'
import { keysOf } from './keys-of.js'
import type { Argument, RedisPort } from './clients/port.js'
import { assertUnchanged } from './probe.js'
import { ScriptRunner, type Sure } from './script-runner.js'
import { ADD, REMOVE, REPLACE } from './scripts/change-scripts.js'
import { COUNT, FIND, PAGE } from './scripts/query-scripts.js'
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
}

/** Settled and released messages in one call. */
const CHUNK = 1000
/** Entries that one call looks at, if a filter may leave some out. They keep Redis busy for about 2 ms. */
const LOOKS = 1000
/** How long an unreadable entry is left alone. */
const UNREADABLE_MS = 60_000

/** The waiting messages, in four keys of one slot. */
export class RedisStore implements MessageStore {
  readonly name = STORE
  readonly limits = { maxDelayMs: MAX_DELAY_MS, orderMs: 50, leadMs: 0 }
  readonly spacingMs = 5
  readonly #port: RedisPort
  readonly #scripts: ScriptRunner
  readonly #channel: string
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
    const reply = await this.#scripts.run(ADD, [...entry, onConflict ?? '', this.#channel, String(Math.ceil(holdMs))])
    if (!Array.isArray(reply)) return
    if (onConflict === 'error') throw conflict(message.id)
    const name = () => firstOf(message.id).toString('hex')
    const instead = (reply as Buffer[]).flatMap((value) => this.#read(value, name, true) ?? []).sort(latestFirst)[0]
    // It was not added.
    if (!instead) throw conflictsUnread(message.id, STORE)
    return instead
  }

  async claim({ now: given, limit, leaseMs }: ClaimRequest): Promise<Claim> {
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
      if (message) claimed.push({ message, lease: text, field })
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
      await this.#leaveLease(chunk, () => this.#scripts.runSure(SETTLE, pairs))
    }
  }

  async postpone(claimed: readonly ClaimedMessage[], until: number): Promise<void> {
    // Never before its time.
    const at = (message: DelayedMessage) => String(Math.max(until, readyAt(message)))
    for (const chunk of chunks(claimed as readonly InRedis[])) {
      const triples = chunk.flatMap(({ field, lease, message }) => [field, lease, at(message)])
      await this.#leaveLease(chunk, () => this.#scripts.runSure(RELEASE, [this.#channel, ...triples]))
    }
  }

  async find(id: string): Promise<readonly DelayedMessage[]> {
    const reply = (await this.#scripts.run(FIND, [firstOf(id)])) as Buffer[]
    return this.#views(reply)
      .filter((message) => message.id === id)
      .sort(latestFirst)
  }

  async remove(message: DelayedMessage): Promise<boolean> {
    return storedNumber(await this.#scripts.run(REMOVE, [firstOf(message.id), tagOf(message)]), STORE) === 1
  }

  async replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const tag = tagOf(message)
    const [from, to] = [scoreOf(message), scoreOf(by)]
    const args = [firstOf(message.id), tag, from, to, valueOf(by, tag), this.#channel]
    return storedNumber(await this.#scripts.run(REPLACE, args), STORE) === 1
  }

  async list(
    filter: WaitlistFilter,
    { after, limit }: { after?: Position | undefined; limit: number },
  ): Promise<readonly DelayedMessage[]> {
    const listed: DelayedMessage[] = []
    for await (const found of this.#pages(filter, { after, limit })) {
      listed.push(...found)
      if (listed.length >= limit) break
    }
    return listed.slice(0, limit)
  }

  async count(filter: WaitlistFilter): Promise<number> {
    const { from = -Infinity, to = Infinity, ...others } = filter
    if (Object.values(others).every((value) => value === undefined)) return this.#countBetween(from, to)
    let count = 0
    for await (const found of this.#pages(filter, { limit: LOOKS, isShort: true })) count += found.length
    return count
  }

  async countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]> {
    const times: number[] = []
    for await (const found of this.#pages(filter, { limit: LOOKS, isShort: true })) times.push(...found.map(readyAt))
    return spanCounts(times, spanMs)
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

  async #countBetween(from: number, to: number): Promise<number> {
    const [least, most] = [from === -Infinity ? '-inf' : String(from), to === Infinity ? '+inf' : `(${to}`]
    return storedNumber(await this.#scripts.run(COUNT, [least, most]), STORE)
  }

  /** All that fits, page by page. */
  async *#pages(
    filter: WaitlistFilter,
    { after, limit, isShort }: { after?: Position | undefined; limit: number; isShort?: boolean },
  ): AsyncGenerator<readonly DelayedMessage[]> {
    const marks = marksOf(filter)
    const looks = String(marks.length > 0 ? LOOKS : Math.min(limit, LOOKS))
    let [score, field, tag] = after ? placed(after) : NOWHERE
    for (;;) {
      const bounds = [bound(filter.from), bound(filter.to)]
      const page = [score, field, tag, looks, String(limit), isShort ? '1' : '']
      const reply = (await this.#scripts.run(PAGE, [...bounds, ...page, ...marks])) as [Buffer, Buffer, ...Buffer[]]
      const [lastScore, lastField, ...found] = reply
      yield this.#views(found).filter((message) => fits(filter, message))
      if (lastScore.length === 0) return
      ;[score, field, tag] = [lastScore, lastField, '']
    }
  }

  /** As they are to be seen: ready when the relay may have them, which after a release is later than they say. */
  #views(reply: readonly Buffer[]): DelayedMessage[] {
    const views: DelayedMessage[] = []
    for (let i = 0; i < reply.length; i += 2) {
      const score = Math.min(storedNumber(reply[i], STORE), LATEST_MS)
      const value = reply[i + 1]!
      const message = this.#read(value, () => `tag ${value.subarray(0, 8).toString('hex')}`, true)
      if (message) views.push(score > readyAt(message) ? { ...message, retryAt: score } : message)
    }
    return views
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

  /** Counts those that are gone, unless this was tried before and may have been done then. */
  async #leaveLease(chunk: readonly InRedis[], work: () => Promise<Sure>): Promise<void> {
    const isFirst = !chunk.some((one) => this.#unsure.has(one))
    try {
      const { reply, isSure } = await work()
      if (isFirst && isSure) this.#faults.missing(storedNumber(reply, STORE))
    } catch (error) {
      for (const one of chunk) this.#unsure.add(one)
      throw error
    }
  }

  #leave(found: readonly { field: Buffer; lease: string }[], until: number): void {
    const triples = found.map(({ field, lease }) => [field, lease, String(until)])
    // Otherwise its lease decides.
    this.#scripts.run(RELEASE, [this.#channel, ...triples.flat()]).catch(() => undefined)
  }
}

function latestFirst(a: DelayedMessage, b: DelayedMessage): number {
  return b.revision - a.revision || readyAt(b) - readyAt(a)
}

function bound(time: number | undefined): string {
  return time === undefined || !Number.isFinite(time) ? '' : String(time)
}

type Place = [score: Argument, field: Argument, tag: Argument]
const NOWHERE: Place = ['', '', '']

function placed(after: Position): Place {
  try {
    const { first, tag } = placeOf(after)
    return [String(after.readyAt), first, tag]
  } catch {
    throw invalidOption('cursor', 'the cursor of the page before', after.key)
  }
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += CHUNK) yield items.slice(i, i + CHUNK)
}
