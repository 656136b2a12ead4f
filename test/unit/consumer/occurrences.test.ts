import { expect, it } from 'vitest'
import type { Delivery } from '../../../src/index.js'
import { START, world } from './world.js'

it('a delivery of an occurrence has the time of its schedule, and its retry has the same', async () => {
  const seen: [number, Date | undefined, boolean][] = []
  const handle = ({ attempt, scheduledFor, backfilled, retry }: Delivery<number>) => {
    seen.push([attempt, scheduledFor, backfilled])
    if (attempt === 1) retry({ in: 0 })
  }
  const { arrive } = await world(handle)
  await arrive('one', { headers: { 'dueque-scheduled-for': START - 5, 'dueque-backfilled': true } })
  expect(seen).toEqual([
    [1, new Date(START - 5), true],
    [2, new Date(START - 5), true],
  ])
})

it.each([{}, { 'dueque-scheduled-for': 'soon', 'dueque-backfilled': 1 }])(
  'a delivery with the headers %j is no occurrence',
  async (headers) => {
    const seen: unknown[] = []
    const { arrive } = await world(({ scheduledFor, backfilled }) => seen.push([scheduledFor, backfilled]))
    await arrive('one', { headers })
    expect(seen).toEqual([[undefined, false]])
  },
)
