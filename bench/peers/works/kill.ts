import { setTimeout as sleep } from 'node:timers/promises'
import { spreadOf } from '../../numbers.js'
import { delayed, warmUps, within } from '../load.js'
import { storeOf } from './footprint.js'
import { PATIENCE_MS, type Work } from './work.js'

/** RabbitMQ may lose a quorum queue that is younger: 010 in docs/decisions. */
const SETTLE_MS = 3000

export const kill: Work = {
  name: 'kill',
  title: 'kill −9 of the store',
  about:
    'The store is killed as soon as the last of the messages is confirmed, and started again at once; the consumer starts behind ' +
    'that. Late counts from the due time, the outage included, in ms.',
  rounds: 1,
  longOnly: true,
  ownServers: true,
  async run({ contestant, entrant, open, sizes, receive }) {
    const { count, delaysMs } = sizes.kill
    const store = storeOf(open.servers[contestant.store])
    await entrant.scheduleMany(warmUps(sizes.warmUp, within(delaysMs)))
    await sleep(SETTLE_MS)
    await entrant.scheduleMany(delayed(count, within(delaysMs)))
    const lastDue = Date.now() + delaysMs[1]
    const killedAt = performance.now()
    await store.kill()
    await store.restart()
    const downSeconds = (performance.now() - killedAt) / 1000
    const receiver = await receive()
    await receiver.until(count, PATIENCE_MS, lastDue)
    const { unique, copies, early, lateness } = await receiver.finish()
    const { p50, p99, max } = spreadOf(lateness)
    return {
      '': { lost: count - unique, early, copies: copies - unique, p50, p99, last: max, 'down s': downSeconds },
    }
  },
}
