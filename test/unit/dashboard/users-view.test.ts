import { expect, test } from 'vitest'
import { usersView } from '../../../src/dashboard/users-view.js'
import { memoryView } from '../../../src/strategies/memory/memory-view.js'
import { message } from '../../strategies/store-cases.js'

const TICKS = 'dueque.v1.ticks'
const MINUTE_MS = 60_000
const to = (queue: string, id: string, minute: number) =>
  message({ id, destination: { queue }, dueAt: minute * MINUTE_MS })
/** Ticks come first, among and after the users' messages. */
const all = [
  ...['t-0', 't-1', 't-2'].map((id) => to(TICKS, id, 0)),
  to('a', 'a-1', 1),
  to(TICKS, 't-3', 1),
  to('b', 'b-2', 2),
  to('a', 'a-3', 3),
  to(TICKS, 't-4', 4),
]
const view = usersView(
  memoryView(() => all),
  TICKS,
)
const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id)

test('pages are full of messages of users, and end where these end', async () => {
  const first = await view.list({}, { limit: 2 })
  expect(ids(first)).toEqual(['a-1', 'b-2'])
  expect(ids(await view.list({}, { limit: 10 }))).toEqual(['a-1', 'b-2', 'a-3'])
  expect(ids(await view.find('t-0'))).toEqual([])
})

test('ticks are not counted', async () => {
  expect(await view.count({})).toBe(3)
  expect(await view.count({ destination: { queue: 'a' } })).toBe(2)
  expect(await view.count({ idPart: '3' })).toBe(1)
  expect(await view.countBy({}, MINUTE_MS)).toEqual([1, 2, 3].map((m) => ({ from: m * MINUTE_MS, count: 1 })))
  expect((await view.countByDestination()).map(({ destination }) => destination.queue).sort()).toEqual(['a', 'b'])
})
