import './traced.js'
import { connect as connectRaw, type Channel } from 'amqplib'
import { z } from 'zod'
import { connect, defineMessage, ladder, type ConnectOptions, type Dueque } from '../../../src/index.js'
import { poll } from '../../../scripts/broker/poll.js'
import { unique } from '../../strategies/recorder.js'
import { cut, inTrace, judge, publishesOf, recordsOf, within } from './traced.js'

export const job = defineMessage('job', z.number())
const timeoutMs = 30_000

/** Schedules `count` messages, each in a trace of its own. */
export function scheduleTraced(
  mq: Dueque,
  count: number,
  options: (n: number) => { to: { queue: string }; in: number; declare?: boolean },
) {
  const callers = new Map<string, string>()
  const outcomes: Promise<unknown>[] = []
  for (let n = 0; n < count; n++) {
    const id = unique('traced')
    callers.set(
      id,
      inTrace(() => outcomes.push(mq.schedule(job, n, { id, ...options(n) }))),
    )
  }
  return { callers, done: Promise.all(outcomes) }
}

/** A connection that was opened by a caller, and belongs to its trace as little as to any other. */
export async function withConnection<T>(options: ConnectOptions, work: (mq: Dueque) => Promise<T>): Promise<T> {
  const mq = await within(() => connect(options))
  try {
    return await work(mq)
  } finally {
    await mq.close({ drainTimeoutMs: 2000 })
  }
}

export async function withChannel<T>(url: string, work: (channel: Channel) => Promise<T>): Promise<T> {
  const model = await connectRaw(url)
  try {
    return await work(await model.createChannel())
  } finally {
    await model.close()
  }
}

/** A small window, queues and rungs that are declared first, and confirms of young queues. */
export const declared = (url: string) =>
  withConnection({ url, maxInFlight: 3 }, async (mq) => {
    const queue = unique('declared')
    const { callers, done } = scheduleTraced(mq, 40, (n) => ({
      to: { queue: `${queue}-${n % 4}` },
      in: n % 2 && 100 * (n % 7),
      declare: true,
    }))
    await done
    return judge(callers)
  })

/** Some messages are on the wire, some wait for room, and the confirms of others are held back. */
export const reconnected = (url: string) =>
  withConnection({ url, maxInFlight: 10 }, async (mq) => {
    const to = { queue: unique('reconnected') }
    const held = scheduleTraced(mq, 20, () => ({ to, in: 0, declare: true }))
    const isSent = () => [...held.callers.keys()].some((id) => publishesOf(id).length > 0)
    await poll(() => Promise.resolve(isSent()), { what: 'the first confirm', timeoutMs })
    const waiting = scheduleTraced(mq, 20, () => ({ to, in: 0 }))
    cut()
    await Promise.all([held.done, waiting.done])
    return [judge(held.callers), judge(waiting.callers)]
  })

/** The queue takes one message at a time. */
export const nacked = (url: string) =>
  withConnection({ url }, (mq) =>
    withChannel(url, async (channel) => {
      const queue = unique('nacked')
      await channel.assertQueue(queue, { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
      await mq.schedule(job, 0, { to: { queue }, in: 0 })
      const { callers, done } = scheduleTraced(mq, 5, () => ({ to: { queue }, in: 0 }))
      const isNacked = () => [...callers.keys()].every((id) => publishesOf(id).length > 0)
      await poll(() => Promise.resolve(isNacked()), { what: 'a nack for each', timeoutMs })
      const consumer = channel.consume(queue, () => undefined, { noAck: true })
      await Promise.all([consumer, done])
      return judge(callers)
    }),
  )

export const bulk = (url: string) =>
  withConnection({ url, maxInFlight: 5 }, async (mq) => {
    const to = { queue: unique('bulk') }
    const ids = Array.from({ length: 50 }, () => unique('bulk'))
    const items = ids.map((id, n) => ({
      message: job,
      payload: n,
      options: { to, id, in: n % 2 && 50, declare: true },
    }))
    let done: PromiseLike<unknown>
    const caller = inTrace(async () => {
      done = mq.scheduleAll(items)
      await done
    })
    await done!
    return judge(new Map(ids.map((id) => [id, caller])))
  })

/** Records of many callers travel together. */
export const records = (url: string) =>
  within(async () => {
    const mq = await connect({ url, strategy: ladder({ journal: true }) })
    const { callers, done } = scheduleTraced(mq, 10, () => ({
      to: { queue: unique('records') },
      in: 3_600_000,
      declare: true,
    }))
    await done
    const cancels: Promise<unknown>[] = []
    for (const id of callers.keys()) inTrace(() => cancels.push(mq.cancel(id)))
    await Promise.all(cancels)
    await mq.close()
    return { ...judge(callers), journal: recordsOf('dueque.v1.journal'), log: recordsOf('dueque.v1.cancellations') }
  })
