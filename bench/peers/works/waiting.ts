import { say } from '../../../scripts/broker/say.js'
import { poll } from '../../../scripts/broker/poll.js'
import { MIB, timed } from '../../numbers.js'
import type { Entrant } from '../contestant.js'
import { delayed, warmUps } from '../load.js'
import { footprintOf, storeOf, type Footprint } from './footprint.js'
import type { Cell, Measured, Work } from './work.js'

/** Below the 14 days after which pg-boss deletes jobs, and the 49 of the plugin. */
const DELAY_MS = 10 * 24 * 3_600_000
const delayMs = () => DELAY_MS
const COUNTED_WITHIN_MS = 60_000

export const waiting: Work = {
  name: 'waiting',
  title: 'Many waiting messages',
  about:
    'Messages of ten days are scheduled in bulk up to each number, then some more for the rate. Counted is what the store says ' +
    'of itself (memory of queues or of Redis, size of the database); memory and disk are those of its processes and of its folder. ' +
    'Bytes are for a message more than at the first number. At last the store is shut down and started again.',
  rounds: 1,
  longOnly: true,
  ownServers: true,
  async run(cell) {
    const { entrant, sizes } = cell
    const { counts, probe } = sizes.waiting
    await entrant.scheduleMany(warmUps(sizes.warmUp, delayMs))
    const measured: Measured = {}
    let scheduled = 0
    let first: { at: number; footprint: Footprint } | undefined
    for (const count of counts) {
      await entrant.scheduleMany(delayed(count - scheduled, delayMs))
      scheduled = count
      const footprint = await footprintOf(cell)
      first ??= { at: scheduled, footprint }
      const more = scheduled - first.at
      const perMessage = (kind: keyof Footprint) => (footprint[kind] - first!.footprint[kind]) / more
      const { rate } = await timed(probe, () => entrant.scheduleMany(delayed(probe, delayMs)))
      scheduled += probe
      say(`    ${count} wait: ${Math.round(rate)}/s, ${Math.round(footprint.memory / MIB)} MiB`)
      measured[String(count)] = {
        'bulk /s': rate,
        'counted MiB': footprint.counted / MIB,
        'memory MiB': footprint.memory / MIB,
        'disk MiB': footprint.disk / MIB,
        'counted B': perMessage('counted'),
        'memory B': perMessage('memory'),
        'disk B': perMessage('disk'),
      }
    }
    measured['restart'] = await restarted(cell, sizes.warmUp + scheduled)
    return measured
  },
}

async function restarted({ contestant, entrant, open }: Cell, expected: number) {
  const missingBefore = expected - (await counted(entrant, expected))
  const store = storeOf(open.servers[contestant.store])
  await store.shutdown()
  const start = performance.now()
  await store.restart()
  const seconds = (performance.now() - start) / 1000
  const lost = expected - (await counted(entrant, expected))
  return { 'takes clients after s': seconds, 'missing before': missingBefore, lost }
}

/** Waits for the number: RabbitMQ's count is some seconds old, and PostgreSQL's clients connect again. */
async function counted(entrant: Entrant, expected: number): Promise<number> {
  let count = 0
  const isAll = async () => {
    count = await entrant.waiting()
    return count >= expected
  }
  const limits = { what: `${expected} waiting messages`, timeoutMs: COUNTED_WITHIN_MS, intervalMs: 500 }
  await poll(isAll, limits).catch((problem: unknown) => say(`    ${String(problem)}`))
  return count
}
