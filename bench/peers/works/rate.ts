import { byCallers } from '../../callers.js'
import { timed } from '../../numbers.js'
import type { Item } from '../contestant.js'
import { delayed, warmUps, within } from '../load.js'
import { startMeter } from './meter.js'
import type { Work } from './work.js'

const CALLERS = 200
const HOUR_MS = 3_600_000
const hour = () => HOUR_MS

export const rate: Work = {
  name: 'rate',
  title: 'Confirmed schedules a second',
  about:
    'A delay of one hour: one call after another; 200 callers at a time; the bulk call. Random: the bulk call with random delays. ' +
    'Each call resolves when the message is as safe as the contestant makes it. CPU is for a message of the bulk call with one delay.',
  rounds: 3,
  async run(cell) {
    const { entrant, sizes } = cell
    const { oneByOne, inFlight, bulk } = sizes.rate
    const random = within(sizes.delaysMs)
    await entrant.scheduleMany(warmUps(sizes.warmUp, hour))
    await entrant.scheduleMany(warmUps(sizes.warmUp, random))
    const call = (item: Item) => entrant.schedule(item)
    const one = await timed(oneByOne, () => byCallers(delayed(oneByOne, hour), 1, call))
    const many = await timed(inFlight, () => byCallers(delayed(inFlight, hour), CALLERS, call))
    const meter = await startMeter(cell)
    const oneDelay = await timed(bulk, () => entrant.scheduleMany(delayed(bulk, hour)))
    const cpu = await meter(bulk)
    const randomDelays = await timed(bulk, () => entrant.scheduleMany(delayed(bulk, random)))
    return {
      '': {
        'one by one /s': one.rate,
        '200 in flight /s': many.rate,
        'bulk /s': oneDelay.rate,
        'bulk, random /s': randomDelays.rate,
        'server CPU µs': cpu.server,
        'client CPU µs': cpu.client,
      },
    }
  },
}
