import { LATEST_MS } from '../../base/clock.js'
import { invalidOption } from '../../base/errors.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import { DestinationCounts, type DestinationCount } from '../destination-counts.js'
import { storedNumber } from '../store/stored-number.js'
import { fits, spanCounts, type Position, type SpanCount, type WaitlistFilter } from '../waiting-view.js'
import { isTick } from '../tick-mark.js'
import type { Waitlist } from '../waitlist.js'
import type { Argument } from './clients/port.js'
import { firstOf, marksOf, placeOf, scoreOf, tagOf, valueOf } from './entry.js'
import { STORE } from './failures.js'
import type { ScriptRunner } from './script-runner.js'
import { REMOVE, REPLACE } from './scripts/change-scripts.js'
import { COUNT, FIND, LOOKS, PAGE, SPANS } from './scripts/query-scripts.js'

export interface RedisWaitlistOptions {
  scripts: ScriptRunner
  channel: string
  /**
   * The message of a value, if it can be read.
   *
   * @param name the name of the entry in Redis
   */
  read: (value: Buffer, name: () => string) => DelayedMessage | undefined
}

/** The messages that wait in Redis, to look at and to change. */
export class RedisWaitlist implements Waitlist {
  readonly #scripts: ScriptRunner
  readonly #channel: string
  readonly #read: RedisWaitlistOptions['read']

  constructor({ scripts, channel, read }: RedisWaitlistOptions) {
    this.#scripts = scripts
    this.#channel = channel
    this.#read = read
  }

  async find(id: string): Promise<readonly DelayedMessage[]> {
    const reply = (await this.#scripts.run(FIND, [firstOf(id)])) as Buffer[]
    return this.#views(reply)
      .filter((message) => message.id === id && !isTick(message))
      .sort(latestFirst)
  }

  async remove(message: DelayedMessage): Promise<boolean> {
    return storedNumber(await this.#scripts.run(REMOVE, [firstOf(message.id), tagOf(message)]), STORE) === 1
  }

  async replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    const tag = tagOf(message)
    const [from, to] = [scoreOf(message), scoreOf(by)]
    const args = [firstOf(message.id), tag, from, to, valueOf(by, tag), this.#channel, isTick(by) ? '1' : '']
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
    const { from = -Infinity, to = Infinity } = filter
    if (isOfTimes(filter)) return this.#countBetween(from, to, ticksOf(filter))
    return (await this.#times(filter)).length
  }

  async countBy(filter: WaitlistFilter, spanMs: number): Promise<readonly SpanCount[]> {
    if (!isOfTimes(filter)) return spanCounts(await this.#times(filter), spanMs)
    const { from = -Infinity, to = Infinity } = filter
    // Anybody may have written other scores, infinite ones too.
    const [first, last] = [Math.max(from, 0), Math.min(to, LATEST_MS + 1)]
    return this.#spansBetween(first, last, spanMs, ticksOf(filter))
  }

  async countByDestination(): Promise<readonly DestinationCount[]> {
    const counts = new DestinationCounts()
    for await (const found of this.#pages({}, { limit: LOOKS, isShort: true }))
      for (const message of found) counts.add(message.destination, readyAt(message))
    return counts.all()
  }

  async #countBetween(from: number, to: number, ticks: string): Promise<number> {
    const [least, most] = [from === -Infinity ? '-inf' : String(from), to === Infinity ? '+inf' : `(${to}`]
    return storedNumber(await this.#scripts.run(COUNT, [least, most, ticks]), STORE)
  }

  async #spansBetween(from: number, to: number, spanMs: number, ticks: string): Promise<SpanCount[]> {
    const counts: SpanCount[] = []
    for (let least = String(from); ;) {
      const reply = await this.#scripts.run(SPANS, [least, String(to), String(spanMs), String(LOOKS), ticks])
      const [next, ...found] = reply as [Buffer, ...Buffer[]]
      for (let i = 0; i < found.length; i += 2)
        counts.push({ from: storedNumber(found[i], STORE), count: storedNumber(found[i + 1], STORE) })
      if (next.length === 0) return counts
      least = next.toString()
    }
  }

  /** When each message that fits is ready. */
  async #times(filter: WaitlistFilter): Promise<number[]> {
    const times: number[] = []
    for await (const found of this.#pages(filter, { limit: LOOKS, isShort: true }))
      for (const message of found) times.push(readyAt(message))
    return times
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
      const page = [score, field, tag, looks, String(limit), isShort ? '1' : '', ticksOf(filter)]
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
      const message = this.#read(value, () => `tag ${value.subarray(0, 8).toString('hex')}`)
      if (message) views.push(score > readyAt(message) ? { ...message, retryAt: score } : message)
    }
    return views
  }
}

/** Of messages under one id. */
export function latestFirst(a: DelayedMessage, b: DelayedMessage): number {
  return b.revision - a.revision || readyAt(b) - readyAt(a)
}

/** Whether a filter asks for times alone, which the sorted set knows. */
function isOfTimes({ from: _from, to: _to, withTicks: _withTicks, ...others }: WaitlistFilter): boolean {
  return Object.values(others).every((value) => value === undefined)
}

/** An argument of the scripts. */
function ticksOf({ withTicks = false }: WaitlistFilter): string {
  return withTicks ? '1' : ''
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
