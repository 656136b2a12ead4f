import { invalidOption, type DuequeError } from '../base/errors.js'
import { Source } from './source.js'

/**
 * The outcome of one item, by its place in the input: what `Done` holds, or an error. Results come in the order in which they
 * are known.
 */
export type ItemResult<Item, Done> =
  | ({ index: number; item: Item; error?: never } & Done)
  | ({ index: number; item: Item; error: DuequeError } & { [Key in keyof Done]?: never })

/** What is done with each item. */
export interface Work<Item, Value, Done> {
  /** Reports the bytes of a body to its place as soon as it knows them. */
  run: (item: Item, place: Place) => Promise<Value>
  /** What a result holds of the value. */
  done: (value: Value) => Done
}

/**
 * @param expected what the items are, for the error
 * @throws DuequeError `INVALID_OPTION`
 */
export function checkItems(items: unknown, expected: string): void {
  const { [Symbol.iterator]: each, [Symbol.asyncIterator]: later } = Object(items) as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >
  // A text can be iterated, and holds no items.
  if (typeof items === 'string' || (typeof each !== 'function' && typeof later !== 'function'))
    throw invalidOption('items', `an iterable of ${expected}, async or not`, items)
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkItem(item: unknown): void {
  if (typeof item !== 'object' || item === null) throw invalidOption('item', '{ message, payload, options }', item)
}

/** How much may be under way at a time. */
export interface Capacity {
  messages: number
  /** Of bodies. */
  bytes: number
  /** Counted for a body whose size is not known yet. */
  bodyBytes: number
  /** Items of a synchronous source that are read in one turn of the event loop. @default as many as there is room for */
  perTurn?: number | undefined
}

/**
 * Runs over a source, never beyond the capacity, and yields each outcome. The source is read only as fast as outcomes are
 * taken. If the source itself throws, the outcomes of the started items are yielded first.
 */
export async function* runAll<Item, Value, Done>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: Work<Item, Value, Done>,
  capacity: Capacity,
): AsyncGenerator<ItemResult<Item, Done>, void, undefined> {
  const { perTurn = Infinity } = capacity
  const results: ItemResult<Item, Done>[] = []
  let count = 0
  let wake: (() => void) | undefined
  // Once for each wait: many items end in one turn, and resolving a promise again is not free.
  const changed = () => {
    wake?.()
    wake = undefined
  }
  const load = new Load(capacity, changed)
  const run = (item: Item) => {
    const [index, place] = [count++, new Place(load)]
    whenKnown(work, item, place, (outcome) => {
      results.push({ index, item, ...outcome })
      place.leave()
    })
  }
  const source = new Source(items, run, changed)

  try {
    while (source.isReading || load.messages > 0 || results.length > 0 || source.isOpen) {
      let left = perTurn
      while (source.isOpen && !source.isReading && load.hasRoom(results.length) && left-- > 0) source.read()
      if (left < 0) setImmediate(changed)
      // Not `yield*`, which makes several promises of each.
      if (results.length > 0) for (const result of results.splice(0)) yield result
      else if (source.isReading || load.messages > 0) await new Promise<void>((resolve) => (wake = resolve))
    }
    source.assertEnded()
  } finally {
    await source.close()
  }
}

function whenKnown<Item, Value, Done>(
  { run, done }: Work<Item, Value, Done>,
  item: Item,
  place: Place,
  tell: (outcome: Done | { error: DuequeError }) => void,
): void {
  run(item, place).then(
    (value) => tell(done(value)),
    (error: unknown) => tell({ error: error as DuequeError }),
  )
}

/** The messages under way. */
class Load {
  messages = 0
  bytes = 0
  readonly capacity: Capacity
  readonly changed: () => void

  constructor(capacity: Capacity, changed: () => void) {
    this.capacity = capacity
    this.changed = changed
  }

  /** Whether one more fits, beside the results that were not taken yet. A message larger than the capacity goes alone. */
  hasRoom(results: number): boolean {
    const { messages, bytes, bodyBytes } = this.capacity
    if (this.messages + results >= messages) return false
    return this.messages === 0 || this.bytes + bodyBytes <= bytes
  }
}

/** The place of one message in the load. */
export class Place {
  readonly #load: Load
  #bytes: number

  constructor(load: Load) {
    this.#load = load
    this.#bytes = load.capacity.bodyBytes
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
