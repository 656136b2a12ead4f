import { setTimeout as sleep } from 'node:timers/promises'
import { spreadOf } from '../../numbers.js'
import { warmUps, within } from '../load.js'
import { startMeter } from './meter.js'
import { scheduledSteadily } from './scheduled-steadily.js'
import { PATIENCE_MS, type Cell, type Measured, type Measures, type Work } from './work.js'

export const steady: Work = {
  name: 'steady',
  title: 'Lateness at a steady rate',
  about:
    'One call for each message, random delays; the load goes on until all have fallen due. Late is the time from the due time to the start of the handler, in a process of ' +
    'its own, in ms. CPU is for a message from its schedule to its ack.',
  rounds: 3,
  async run(cell) {
    const { rates } = cell.sizes.steady
    const measured: Measured = {}
    for (const [i, rate] of rates.entries()) measured[`${rate}/s`] = await atRate(cell, rate, i === 0)
    return measured
  },
}

async function atRate(cell: Cell, rate: number, isFirst: boolean): Promise<Measures> {
  const { sizes, entrant } = cell
  const [, most] = sizes.delaysMs
  const delayMs = within(sizes.delaysMs)
  const receiver = await cell.receive()
  if (isFirst) {
    await entrant.scheduleMany(warmUps(sizes.warmUp, delayMs))
    await sleep(most)
  }
  const meter = await startMeter(cell)
  const load = { rate, seconds: sizes.steady.seconds, delayMs, beyondMs: most }
  const { counted, scheduled, reached } = await scheduledSteadily(cell, load)
  await sleep(most)
  await receiver.until(counted, PATIENCE_MS)
  const cpu = await meter(scheduled)
  const { lateness, early, unique, copies, cpuMicros } = await receiver.finish()
  const { p50, p99, 'p99.9': p999, max } = spreadOf(lateness)
  return {
    p50,
    p99,
    'p99.9': p999,
    max,
    early,
    lost: counted - unique,
    copies: copies - unique,
    'reached /s': reached,
    'server CPU µs': cpu.server,
    'client CPU µs': cpu.client,
    'receiver CPU µs': cpuMicros,
  }
}
