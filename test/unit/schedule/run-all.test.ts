import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DuequeError } from '../../../src/base/errors.js'
import type { Receipt } from '../../../src/message/receipt.js'
import { runAll, type Capacity, type Place } from '../../../src/schedule/run-all.js'
import type { ScheduleResult } from '../../../src/schedule/schedule-run.js'

const receipt = (id: unknown): Receipt => ({ id: String(id), dueAt: '', revision: 1, destination: { queue: 'q' } })
const refuse = (item: unknown) => new DuequeError('BODY_TOO_LARGE', String(item), { bytes: 2, maxBytes: 1 })
const schedule = (item: number) => Promise.resolve(receipt(item))

/** As `scheduleAll` of a connection does it. */
const scheduleAll = <Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  run: (item: Item, place: Place) => Promise<Receipt>,
  capacity: Capacity,
) => runAll(items, { run, done: (receipt) => ({ receipt }) }, capacity)

const messages = (count: number) => ({ messages: count, bytes: Infinity, bodyBytes: 0 })

/** A promise with its resolve function. */
function gate() {
  let open = () => undefined as void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

/** The items before an error, and the error. */
async function drain(results: AsyncIterable<ScheduleResult>) {
  const seen: ScheduleResult[] = []
  try {
    for await (const result of results) seen.push(result)
  } catch (error) {
    return { seen, error: error as Error }
  }
  return { seen, error: undefined }
}

it('yields one result for each index, and never has more in flight than the window', async () => {
  const items = fc.array(fc.record({ takes: fc.nat(30), comes: fc.nat(5), fails: fc.boolean() }), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(items, fc.integer({ min: 1, max: 8 }), fc.boolean(), async (given, window, isAsync) => {
      type Item = (typeof given)[number] & { index: number }
      const source = given.map((item, index): Item => ({ ...item, index }))
      async function* slowly() {
        for (const item of source) {
          await turns(item.comes)
          yield item
        }
      }
      let [running, most] = [0, 0]
      const work = async ({ takes, fails, index }: Item) => {
        most = Math.max(most, ++running)
        await turns(takes)
        running--
        if (fails) throw refuse(index)
        return receipt(index)
      }
      const { seen, error } = await drain(scheduleAll(isAsync ? slowly() : source, work, messages(window)))
      expect(error).toBeUndefined()
      expect(most).toBeLessThanOrEqual(window)
      expect(seen.map(({ index }) => index).sort((a, b) => a - b)).toEqual(source.map(({ index }) => index))
      for (const one of seen) {
        if (given[one.index]!.fails) expect(one.error).toMatchObject({ message: String(one.index) })
        else expect(one.receipt?.id).toBe(String(one.index))
      }
    }),
  )
})

it('fills the window before the first item is done, and no further', async () => {
  const done = gate()
  let started = 0
  const results = scheduleAll(
    Array(10).keys(),
    async (item) => {
      started++
      await done.opened
      return receipt(item)
    },
    messages(4),
  )
  const first = results.next()
  await turns(100)
  expect(started).toBe(4)
  done.open()
  await first
  expect((await drain(results)).seen).toHaveLength(9)
})

it('does not hold results back while the source is slow', async () => {
  const more = gate()
  async function* source() {
    yield 0
    await more.opened
    yield 1
  }
  const results = scheduleAll(source(), schedule, messages(10))
  expect(await results.next()).toMatchObject({ value: { index: 0 } })
  more.open()
  expect(await results.next()).toMatchObject({ value: { index: 1 } })
  expect(await results.next()).toMatchObject({ done: true })
})

it('reads the source only as fast as results are taken', async () => {
  let read = 0
  function* endless() {
    for (;;) yield read++
  }
  const results = scheduleAll(endless(), schedule, messages(3))
  for (let taken = 1; taken <= 5; taken++) {
    await results.next()
    await turns(100)
    expect(read).toBeLessThanOrEqual(taken + 4)
  }
  await results.return()
})

it('yields the results of started items before it throws the error of the source', async () => {
  const done = gate()
  async function* source() {
    yield 0
    yield 1
    await turns(1)
    throw new Error('source')
  }
  const slow = async (item: number) => {
    await done.opened
    if (item === 1) throw refuse(item)
    return receipt(item)
  }
  const drained = drain(scheduleAll(source(), slow, messages(10)))
  await turns(50)
  done.open()
  const { seen, error } = await drained
  expect(seen).toMatchObject([
    { index: 0, receipt: {} },
    { index: 1, error: { code: 'BODY_TOO_LARGE' } },
  ])
  expect(error?.message).toBe('source')
})

it('throws the error of a source that yielded nothing at once', { timeout: 1000 }, async () => {
  const broken: Iterable<number> = {
    [Symbol.iterator]: () => ({
      next: () => {
        throw new Error('source')
      },
    }),
  }
  expect(await drain(scheduleAll(broken, schedule, messages(2)))).toMatchObject({
    seen: [],
    error: { message: 'source' },
  })
})

it.each(['sync', 'async'])('a break closes the %s source', async (kind) => {
  let closed = false
  function* sync() {
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      closed = true
    }
  }
  async function* async() {
    try {
      for (let i = 0; ; i++) {
        await turns(1)
        yield i
      }
    } finally {
      closed = true
    }
  }
  for await (const { index } of scheduleAll(kind === 'sync' ? sync() : async(), schedule, messages(2)))
    if (index === 3) break
  expect(closed).toBe(true)
})

it('an ended source is not closed again', async () => {
  let closed = 0
  const items = [1, 2].values()
  const source = {
    [Symbol.iterator]: () => ({ next: () => items.next(), return: () => ({ done: true, value: closed++ }) }),
  }
  await drain(scheduleAll(source as Iterable<number>, schedule, messages(2)))
  expect(closed).toBe(0)
})

it('after a break nothing more is scheduled', async () => {
  const more = gate()
  const started: number[] = []
  async function* source() {
    yield 0
    await more.opened
    yield 1
  }
  const note = (item: number) => {
    started.push(item)
    return schedule(item)
  }
  const broken = (async () => {
    for await (const { index } of scheduleAll(source(), note, messages(5))) if (index === 0) break
  })()
  await turns(100)
  more.open()
  await broken
  await turns(100)
  expect(started).toEqual([0])
})

it('never has more bytes in flight than the window, and counts unknown sizes as large', async () => {
  const item = fc.record({ bytes: fc.nat(100), encodes: fc.nat(5), takes: fc.nat(30) })
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 40 }), async (given) => {
      let [bytes, most] = [0, 0]
      const work = async ({ bytes: size, encodes, takes }: (typeof given)[number], place: Place) => {
        most = Math.max(most, (bytes += size))
        await turns(encodes)
        place.sized(size)
        await turns(takes)
        bytes -= size
        return receipt(size)
      }
      const { seen } = await drain(scheduleAll(given, work, { messages: 1000, bytes: 250, bodyBytes: 100 }))
      expect(seen).toHaveLength(given.length)
      expect(most).toBeLessThanOrEqual(250)
    }),
  )
})

it('fills the window with small items, and sends an item larger than the window alone', async () => {
  let [running, most] = [0, 0]
  const work = async (size: number, place: Place) => {
    most = Math.max(most, ++running)
    place.sized(size)
    await turns(200)
    running--
    return receipt(size)
  }
  const window = { messages: 20, bytes: 100, bodyBytes: 50 }
  await drain(scheduleAll(Array<number>(50).fill(1), work, window))
  expect(most).toBe(20)
  most = 0
  await drain(scheduleAll([1000, 1000], work, window))
  expect(most).toBe(1)
})
