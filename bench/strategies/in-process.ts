import { on, type Dueque } from 'dueque'
import { poll } from '../../scripts/broker/poll.js'
import { sample } from '../load.js'
import { startReceiver } from '../receiving.js'
import { Tally, type Tallied } from '../tally.js'

interface Receiving {
  until(count: number, patienceMs: number, from?: number): Promise<boolean>
  finish(): Promise<Tallied>
}

/** A receiver in its own process; or on a connection of this one, for messages that never leave the process. */
export async function receiverFor(
  from: string | Dueque,
  { queue, prefetch }: { queue: string; prefetch: number },
): Promise<Receiving> {
  if (typeof from === 'string') return startReceiver({ kind: 'dueque', url: from, queue, prefetch })
  const tally = new Tally()
  const handler = on(sample, ({ payload, dueAt, latenessMs }) => tally.add(payload.n, dueAt.getTime(), latenessMs))
  const consumer = await from.consume(queue, [handler], { prefetch, concurrency: prefetch })
  return {
    async until(count, patienceMs, since = Date.now()) {
      const timeoutMs = Math.max(0, since - Date.now()) + patienceMs
      const all = poll(() => tally.tallied.unique >= count, { what: `${count} messages`, timeoutMs, intervalMs: 20 })
      return all.then(
        () => true,
        () => false,
      )
    },
    async finish() {
      await consumer.close()
      return tally.tallied
    },
  }
}
