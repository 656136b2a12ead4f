import { readyAt, type DelayedMessage } from '../../envelope.js'
import { errorText, invalidOption } from '../../errors.js'
import { silent, type Logger } from '../../logger.js'
import { within } from '../../within.js'
import { MAX_DELAY_MS } from '../ladder/rungs.js'
import type { AddOptions, Claim, Claimed, ClaimRequest, Store, StoreEnvironment } from '../store.js'
import { conflict, fits, type Position, type WaitlistFilter } from '../waitlist.js'
import { firstOf, marksOf, messageOf, placeOf, scoreOf, tagOf, valueOf } from './entry.js'
import { isReply, STORE } from './failures.js'
import type { Argument, RedisPort } from './port.js'
import { ScriptRunner } from './script-runner.js'
import { ADD, CLAIM, COUNT, FIND, LOOK, PAGE, RELEASE, REMOVE, REPLACE, SETTLE } from './scripts.js'
import { assertVersion, checkServer, factsOf } from './server-check.js'

export interface RedisStoreOptions {
  port: RedisPort
  prefix: string
  timeoutMs: number
  /** Has a key expire for each message when it is ready. */
  triggers?: boolean | undefined
}

/** What `claim` adds to find it again. */
interface InRedis extends Claimed {
  readonly field: Buffer
}

/** Of settled and released ones in one call. */
const CHUNK = 1000
/** How many are looked at in one call where not all of them may fit. So long is Redis busy with nothing else: about 2 ms. */
const LOOKS = 1000
/** What cannot be read is left alone for so long. */
const UNREADABLE_MS = 60_000

/** What waits, in four keys of one slot. */
export class RedisStore implements Store {
  readonly name = STORE
  readonly limits = { maxDelayMs: MAX_DELAY_MS, resolutionMs: 1, orderMs: 50, leadMs: 0 }
  readonly spacingMs = 5
  readonly #port: RedisPort
  readonly #scripts: ScriptRunner
  readonly #channel: string
  readonly #timeoutMs: number
  #logger: Logger = silent

  constructor({ port, prefix, timeoutMs, triggers = false }: RedisStoreOptions) {
    this.#port = port
    this.#timeoutMs = timeoutMs
    // One slot, so that a script may touch all of them in a cluster.
    const names = ['waiting', 'claimed', 'messages', 'more', ...(triggers ? ['due'] : [])]
    const keys = names.map((name) => `{${prefix}}:${name}`)
    this.#scripts = new ScriptRunner(port, { keys, timeoutMs })
    this.#channel = `{${prefix}}:earliest`
  }

  async open({ logger }: StoreEnvironment): Promise<void> {
    this.#logger = logger
    this.#port.open()
    const facts = factsOf(String(await this.#scripts.run(LOOK, [])))
    assertVersion(facts)
    for (const { severity, what, todo } of checkServer(facts))
      if (severity !== 'ok') logger[severity === 'error' ? 'warn' : 'info'](what, { store: STORE, todo })
  }

  async add(message: DelayedMessage, { onConflict }: AddOptions): Promise<DelayedMessage | void> {
    const tag = tagOf(message)
    const args = [firstOf(message.id), tag, scoreOf(message), valueOf(message, tag), onConflict ?? '', this.#channel]
    const reply = await this.#scripts.run(ADD, args)
    if (!Array.isArray(reply)) return
    if (onConflict === 'error') throw conflict(message.id)
    return (reply as Buffer[]).flatMap((value) => this.#read(value) ?? []).sort(latestFirst)[0]
  }

  async claim({ now, limit, leaseMs }: ClaimRequest): Promise<Claim> {
    const reply = await this.#scripts.run(CLAIM, [String(now), String(limit), String(leaseMs)])
    const [lease, nextWaiting, nextLease, ...found] = reply as [Buffer, Buffer, Buffer, ...Buffer[]]
    const claimed: InRedis[] = []
    const unreadable: { field: Buffer; lease: string }[] = []
    const text = lease.toString()
    for (let i = 0; i < found.length; i += 2) {
      const field = found[i]!
      const message = this.#read(found[i + 1]!)
      if (message) claimed.push({ message, lease: text, field })
      else unreadable.push({ field, lease: text })
    }
    if (unreadable.length > 0) this.#leave(unreadable, now + UNREADABLE_MS)
    const nexts = [nextWaiting.length > 0 && Number(nextWaiting), nextLease.length > 0 && now + Number(nextLease)]
    const times = nexts.filter((time) => time !== false)
    return { claimed, nextAt: times.length > 0 ? Math.min(...times) : undefined }
  }

  async settle(claimed: readonly Claimed[]): Promise<void> {
    const pairs = (claimed as readonly InRedis[]).map(({ field, lease }) => [field, lease])
    for (const chunk of chunks(pairs)) await this.#scripts.run(SETTLE, chunk.flat())
  }

  async release(claimed: readonly Claimed[], until: number): Promise<void> {
    // Never before its time, should the clock of the relay that had claimed it be ahead.
    const at = (message: DelayedMessage) => String(Math.max(until, readyAt(message)))
    const triples = (claimed as readonly InRedis[]).map(({ field, lease, message }) => [field, lease, at(message)])
    for (const chunk of chunks(triples)) await this.#scripts.run(RELEASE, [this.#channel, ...chunk.flat()])
  }

  async find(id: string): Promise<readonly DelayedMessage[]> {
    const reply = (await this.#scripts.run(FIND, [firstOf(id)])) as Buffer[]
    return this.#views(reply)
      .filter((message) => message.id === id)
      .sort(latestFirst)
  }

  async remove(message: DelayedMessage): Promise<boolean> {
    return (await this.#scripts.run(REMOVE, [firstOf(message.id), tagOf(message)])) === 1
  }

  async replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const tag = tagOf(message)
    const [from, to] = [scoreOf(message), scoreOf(by)]
    return (
      (await this.#scripts.run(REPLACE, [firstOf(message.id), tag, from, to, valueOf(by, tag), this.#channel])) === 1
    )
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
    const { from = -Infinity, to = Infinity, name, destination } = filter
    if (name === undefined && !destination) return this.#countBetween(from, to)
    let count = 0
    for await (const found of this.#pages(filter, { limit: LOOKS, isShort: true })) count += found.length
    return count
  }

  async watch(listener: (readyAt: number) => void): Promise<() => Promise<void>> {
    const heard = (text: string) => listener(Number(text))
    const subscription = this.#port.subscribe(this.#channel, heard, () => listener(0))
    try {
      await within(subscription.subscribed, this.#timeoutMs)
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

  close(): Promise<void> {
    this.#port.close()
    return Promise.resolve()
  }

  async #countBetween(from: number, to: number): Promise<number> {
    const [least, most] = [from === -Infinity ? '-inf' : String(from), to === Infinity ? '+inf' : `(${to}`]
    return Number(await this.#scripts.run(COUNT, [least, most]))
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
      const score = Number(reply[i])
      const message = this.#read(reply[i + 1]!)
      if (message) views.push(score > readyAt(message) ? { ...message, retryAt: score } : message)
    }
    return views
  }

  /** What cannot be read, because a later version or somebody else has written it, stays where it is. */
  #read(value: Buffer): DelayedMessage | undefined {
    try {
      return messageOf(value)
    } catch (error) {
      this.#logger.warn('left alone what cannot be read', { store: STORE, error: errorText(error) })
      return undefined
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
    throw invalidOption('cursor', 'that of the page before', after.key)
  }
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += CHUNK) yield items.slice(i, i + CHUNK)
}
