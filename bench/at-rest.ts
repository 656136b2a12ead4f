import { poll } from '../scripts/broker/poll.js'

/** A size when it has stopped changing by more than 0.2 %, or by some bytes. RabbitMQ counts every five seconds. */
export async function atRest(sizeOf: () => Promise<number>, bytes = 0): Promise<number> {
  let before = NaN
  let size = NaN
  await poll(
    async () => {
      before = size
      size = await sizeOf()
      return Math.abs(size - before) <= Math.max(before * 0.002, bytes)
    },
    { what: 'the size of the waiting messages to settle', timeoutMs: 120_000, intervalMs: 6000 },
  )
  return size
}
