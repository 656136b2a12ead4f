import { setTimeout as sleep } from 'node:timers/promises'
import { spreadOf } from '../../numbers.js'
import { warmUps } from '../load.js'
import { keepsUp } from './keeps-up.js'
import { scheduledSteadily } from './scheduled-steadily.js'
import { PATIENCE_MS, type Cell, type Work } from './work.js'

export const ceiling: Work = {
  name: 'ceiling',
  title: 'The highest rate with one fixed delay',
  about:
    'The rate of single calls grows step by step until the median of the lateness grows by more than 100 ms and by half within a step, or ' +
    'the rate is not reached. Kept: the last rate before that.',
  rounds: 1,
  longOnly: true,
  async run(cell) {
    const { delayMs, rates } = cell.sizes.ceiling
    await cell.entrant.scheduleMany(warmUps(cell.sizes.warmUp, () => delayMs))
    await sleep(delayMs)
    const total = { kept: 0, p50: NaN, p99: NaN, early: 0, lost: 0 }
    for (const rate of rates) {
      const step = await stepOf(cell, rate)
      total.early += step.early
      total.lost += step.lost
      if (!step.isKept) break
      Object.assign(total, { kept: rate, p50: step.p50, p99: step.p99 })
    }
    const { kept, p50, p99, early, lost } = total
    return { '': { 'kept /s': kept, 'p50 there': p50, 'p99 there': p99, early, lost } }
  },
}

async function stepOf(cell: Cell, rate: number) {
  const { delayMs, seconds } = cell.sizes.ceiling
  const receiver = await cell.receive()
  const load = { rate, seconds, delayMs: () => delayMs, beyondMs: delayMs }
  const { counted, reached } = await scheduledSteadily(cell, load)
  await receiver.until(counted, PATIENCE_MS, Date.now() + delayMs)
  const { lateness, early, unique } = await receiver.finish()
  const { p50, p99 } = spreadOf(lateness)
  return { isKept: keepsUp(lateness, rate, reached), p50, p99, early, lost: counted - unique }
}
