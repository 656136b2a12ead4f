import './traced.js'
import { SpanStatusCode } from '@opentelemetry/api'
import { Redis } from 'ioredis'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'pg'
import { poll } from '../../../scripts/broker/poll.js'
import { ladder, on, startGate, startIntake, type Delivery, type Dueque, type Strategy } from '../../../src/index.js'
import { postgres } from '../../../src/strategies/postgres/index.js'
import { redis } from '../../../src/strategies/redis/index.js'
import { unique } from '../../strategies/recorder.js'
import { job, scheduleTraced, withChannel, withConnection } from './publish-scenes.js'
import { activeTrace, exporter, inTrace, judge, messages, openSpans, publishesOf, within } from './traced.js'

const timeoutMs = 30_000

/** Messages that were published more than once by now, as what is sent on is. */
const isSentOn = (ids: Iterable<string>) => [...ids].every((id) => publishesOf(id).length > 1)

/**
 * Messages that are held until the same instant, and wait for one of two handlers: what starts each handler is another
 * message, or a timer. Handlers schedule, retry, throw and give up.
 */
export const handled = (url: string) =>
  withConnection({ url, strategy: ladder({ lead: 300 }) }, async (mq) => {
    const [queue, further] = [unique('handled'), unique('further')]
    const callers = new Map<string, string>()
    const strange: string[] = []
    let calls = 0
    const handle = async ({ id, payload, attempt, retry, deadLetter }: Delivery<number>) => {
      calls++
      if (activeTrace() !== callers.get(id)) strange.push(id)
      await pause(5)
      callers.set(`${id} further`, activeTrace()!)
      await mq.schedule(job, payload, { to: { queue: further }, id: `${id} further`, in: 0, declare: true })
      if (attempt === 1 && payload % 4 === 0) retry({ in: 0 })
      if (attempt === 1 && payload % 4 === 1) throw new Error('fails once')
      if (payload % 4 === 2) deadLetter('given up')
    }
    const consumer = await mq.consume(queue, [on(job, handle)], { concurrency: 2, retry: { attempts: 2, backoff: 10 } })
    const first = scheduleTraced(mq, 12, () => ({ to: { queue }, in: 600 }))
    for (const [id, caller] of first.callers) callers.set(id, caller)
    await first.done
    await poll(() => Promise.resolve(calls === 18 && consumer.stats().dead === 3), { what: 'the handlers', timeoutMs })
    await consumer.close()
    const named = (start: string) => exporter.getFinishedSpans().filter(({ name }) => name.startsWith(start)).length
    return { ...judge(callers), handlers: strange, consumed: named(queue), records: named('dueque.v1.cancellations') }
  })

/** Arrives an hour early. */
export const putBack = (url: string) =>
  withConnection({ url }, (mq) =>
    withChannel(url, async (channel) => {
      const queue = unique('early')
      const consumer = await mq.consume(queue, [on(job, () => undefined)])
      const id = unique('early')
      const headers = { 'dueque-due': Date.now() + 3_600_000 }
      const publish = () => channel.sendToQueue(queue, Buffer.from('1'), { messageId: id, headers, type: 'job' })
      const caller = inTrace(publish)
      await poll(() => Promise.resolve(consumer.stats().putBack === 1), { what: 'a trip back', timeoutMs })
      return judge(new Map([[id, caller]]))
    }),
  )

export const gate = (url: string) =>
  withConnection({ url }, async (mq) => {
    const [from, to] = [unique('gate'), unique('behind')]
    await withChannel(url, async (channel) => {
      await channel.assertQueue(from, { arguments: { 'x-queue-type': 'quorum' } })
      await channel.assertQueue(to)
    })
    const running = await within(() => startGate({ url, from, to }))
    const { callers, done } = scheduleTraced(mq, 5, (n) => ({ to: { queue: from }, in: 20 * n }))
    await done
    await poll(() => Promise.resolve(running.stats().forwarded === 5), { what: 'the forwarded', timeoutMs })
    await running.close()
    return judge(callers)
  })

export const intake = (url: string) =>
  withChannel(url, async (channel) => {
    const from = unique('intake')
    const running = await within(() => startIntake({ url, from, type: 'topic' }))
    const id = unique('intake')
    const options = { messageId: id, headers: { 'x-delay': 50 } }
    const caller = inTrace(() => channel.publish(from, 'key', Buffer.from('1'), options))
    await poll(() => Promise.resolve(isSentOn([id])), { what: 'the second publish', timeoutMs })
    await running.close()
    return judge(new Map([[id, caller]]))
  })

export const unroutable = (url: string) =>
  withConnection({ url }, (mq) =>
    withChannel(url, async (channel) => {
      const [queue, id] = [unique('lost'), unique('lost')]
      await mq.schedule(job, 1, { to: { queue }, in: 0, declare: true })
      const options = { messageId: id, headers: { 'dueque-to': `queue:${queue}` } }
      const caller = inTrace(() => channel.sendToQueue('dueque.v1.unroutable', Buffer.from('1'), options))
      await poll(() => Promise.resolve(isSentOn([id])), { what: 'the second publish', timeoutMs })
      return judge(new Map([[id, caller]]))
    }),
  )

async function relayed(url: string, strategy: Strategy) {
  return withConnection({ url, strategy }, async (mq: Dueque) => {
    const { callers, done } = scheduleTraced(mq, 5, (n) => ({
      to: { queue: unique('relayed') },
      in: 300 + n,
      declare: true,
    }))
    await done
    const ids = [...callers.keys()]
    const isRelayed = () => ids.every((id) => publishesOf(id).length > 0)
    await poll(() => Promise.resolve(isRelayed()), { what: 'the relay', timeoutMs })
    const spans = ids.flatMap(publishesOf)
    return { count: spans.length, children: spans.filter(({ parentSpanContext }) => parentSpanContext).length }
  })
}

export async function redisRelay(url: string) {
  const client = new Redis(process.env['TRACED_REDIS']!)
  try {
    return await relayed(url, redis({ client, prefix: process.env['TRACED_PREFIX']! }))
  } finally {
    client.disconnect()
  }
}

export async function postgresRelay(url: string) {
  const pool = new Pool({ connectionString: process.env['TRACED_POSTGRES']! })
  try {
    return await relayed(url, postgres({ pool }))
  } finally {
    await pool.end()
  }
}

/** 20,000 messages. What is left of them once they are acked? */
export const volume = (url: string) =>
  withConnection({ url }, async (mq) => {
    exporter.reset()
    const count = 20_000
    const queue = unique('volume')
    const before = { ...messages }
    const consumer = await mq.consume(queue, [on(job, () => undefined)], { concurrency: 100 })
    const items = Array.from({ length: count }, (_, n) => ({
      message: job,
      payload: n,
      options: { to: { queue }, in: 0 },
    }))
    const { scheduled } = await mq.scheduleAll(items)
    await poll(() => Promise.resolve(consumer.stats().handled === count), { what: 'all handled', timeoutMs: 60_000 })
    await poll(() => Promise.resolve(openSpans() === 0), { what: 'the acks', timeoutMs }).catch(() => undefined)
    const collected = () => {
      globalThis.gc!()
      return messages.collected - before.collected
    }
    await poll(() => Promise.resolve(collected() >= count - 100), { what: 'the garbage', timeoutMs }).catch(
      () => undefined,
    )
    const spans = exporter.getFinishedSpans().filter(({ name }) => name === `${queue} process`)
    return {
      scheduled,
      arrived: messages.arrived - before.arrived,
      ended: spans.length,
      failed: spans.filter(({ status }) => status.code === SpanStatusCode.ERROR).length,
      open: openSpans(),
      isCollected: collected() >= count - 100,
    }
  })
