import { invalidOption, type DuequeError } from '../base/errors.js'
import type { Receipt } from '../message/receipt.js'

/** What became of one item, by its place in the input. Results come in the order in which they are known. */
export type ScheduleResult<Item = unknown> =
  | { index: number; item: Item; receipt: Receipt; error?: never }
  | { index: number; item: Item; error: DuequeError; receipt?: never }

/** @throws DuequeError `INVALID_OPTION` */
export function checkItems(items: unknown): void {
  const { [Symbol.iterator]: each, [Symbol.asyncIterator]: later } = Object(items) as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >
  // A text can be iterated, and holds no items.
  if (typeof items === 'string' || (typeof each !== 'function' && typeof later !== 'function'))
    throw invalidOption('items', 'an iterable of { message, payload, options }, async or not', items)
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkItem(item: unknown): void {
  if (typeof item !== 'object' || item === null) throw invalidOption('item', '{ message, payload, options }', item)
}

/** How much may be under way. */
export interface Window {
  messages: number
  /** Of bodies. */
  bytes: number
  /** What a body may have, as long as it is not known what it has. */
  bodyBytes: number
}

/**
 * Runs `schedule` over a source with at most a window's load at a time, and yields each outcome. The source is read only as
 * fast as outcomes are taken. If the source itself throws, what was started is yielded first.
 *
 * @param schedule tells its place the bytes of the body as soon as it knows them
 */
export async function* scheduleAll<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  schedule: (item: Item, place: Place) => Promise<Receipt>,
  window: Window,
): AsyncGenerator<ScheduleResult<Item>, void, undefined> {
  const isAsync = Symbol.asyncIterator in items
  const iterator = isAsync ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const results: ScheduleResult<Item>[] = []
  const load = new Load(window, () => wake?.())
  let count = 0
  let reading = false
  let left = false
  let source: 'open' | 'ended' | { error: unknown } = 'open'
  let wake: (() => void) | undefined

  const run = (item: Item, index: number) => {
    const place = new Place(load)
    whenKnown(schedule(item, place), (outcome) => {
      results.push({ index, item, ...outcome })
      place.leave()
    })
  }
  const take = (next: IteratorResult<Item, unknown>) => {
    if (next.done) source = 'ended'
    else if (!left) run(next.value, count++)
  }
  /** At once from a synchronous source, later from an asynchronous one. */
  const read = () => {
    try {
      const next = iterator.next()
      if (isAsync) void readLater(next as Promise<IteratorResult<Item, unknown>>)
      else take(next as IteratorResult<Item, unknown>)
    } catch (error) {
      source = { error }
    }
  }
  const readLater = async (next: Promise<IteratorResult<Item, unknown>>) => {
    reading = true
    try {
      take(await next)
    } catch (error) {
      source = { error }
    }
    reading = false
    wake?.()
  }

  try {
    while (reading || load.messages > 0 || results.length > 0 || source === 'open') {
      while (source === 'open' && !reading && load.hasRoom(results.length)) read()
      // Not `yield*`, which makes several promises of each.
      if (results.length > 0) for (const result of results.splice(0)) yield result
      else if (reading || load.messages > 0) await new Promise<void>((resolve) => (wake = resolve))
    }
    if (typeof source === 'object') throw (source as { error: unknown }).error
  } finally {
    left = true
    const closed = source === 'open' ? iterator.return?.() : undefined
    // A source that is being read answers when that is over, which may be never.
    if (reading) void Promise.resolve(closed).catch(() => undefined)
    else await closed
  }
}

function whenKnown(
  scheduled: Promise<Receipt>,
  tell: (outcome: { receipt: Receipt } | { error: DuequeError }) => void,
): void {
  scheduled.then(
    (receipt) => tell({ receipt }),
    (error: unknown) => tell({ error: error as DuequeError }),
  )
}

/** What is under way. */
class Load {
  messages = 0
  bytes = 0
  readonly window: Window
  readonly changed: () => void

  constructor(window: Window, changed: () => void) {
    this.window = window
    this.changed = changed
  }

  /** For one more, also if `results` wait to be taken. One that is larger than the window goes alone. */
  hasRoom(results: number): boolean {
    const { messages, bytes, bodyBytes } = this.window
    if (this.messages + results >= messages) return false
    return this.messages === 0 || this.bytes + bodyBytes <= bytes
  }
}

/** Of one message in the load. */
export class Place {
  readonly #load: Load
  #bytes: number

  constructor(load: Load) {
    this.#load = load
    this.#bytes = load.window.bodyBytes
    load.messages++
    load.bytes += this.#bytes
  }

  sized(bytes: number): void {
    this.#load.bytes += bytes - this.#bytes
    this.#bytes = bytes
    this.#load.changed()
  }

  leave(): void {
    this.#load.messages--
    this.#load.bytes -= this.#bytes
    this.#load.changed()
  }
}
