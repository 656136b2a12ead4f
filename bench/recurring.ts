import { connect, onAny, type Dueque, type RecurringMethods } from 'dueque'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { connectRaw, type Broker } from './broker.js'
import { payloadItems, payloadOf, sample, scheduleEvery, warmUp } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { pace } from './pace.js'
import { startReceiver, type Receiver } from './receiving.js'
import type { Result } from './report.js'
import { strategyOf } from './strategy.js'

const QUEUE = 'bench.recurring'
const AT_ONCE = 20_000
/** An occurrence waits at least so long. */
const AHEAD_MS = 60_000
/** One tick sends the occurrences of a window, and the first ticks come together, at the end of `setAll`. */
const WINDOW_MS = 240_000
/** Of plain messages at a steady rate. */
const MEASURED_SECONDS = 60
/** The ticks of schedules that share an instant are spread over it, if they are an hour apart. */
const SPREAD_MS = 300_000

type Ticking = Dueque & RecurringMethods

/**
 * Lateness of the occurrences of many schedules at a steady rate, and of those that share one instant, beside plain messages that
 * wait as long.
 */
export async function recurring(broker: Broker, options: Options): Promise<Result> {
  const { count = 100_000, rate = 1000, prefetch = 1000, patience = 30 } = options
  const { strategy, settings, close } = await strategyOf(options)
  const mq = (await connect({ url: broker.url, strategy })) as Ticking
  await mq.schedule(sample, payloadOf(-1), { to: { queue: QUEUE }, in: 0, declare: true })
  await warmUp(mq, { queue: QUEUE }, 2000)
  // Runs the ticker.
  await mq.consume('bench.idle', [onAny(() => undefined)])
  const receive = () => startReceiver({ kind: 'dueque', url: broker.url, queue: QUEUE, prefetch, fromReady: true })
  const everyMs = (count / rate) * 1000
  const rows = [await measured('plain, at once', AT_ONCE, patience, receive, () => plainAtOnce(mq))]
  const sent = plainSteadily(mq, rate)
  // From then on as many arrive as are sent.
  await sleep(AHEAD_MS + WINDOW_MS)
  await purge(broker)
  rows.push(await measured('plain, steady', rate * MEASURED_SECONDS, patience, receive, () => sleep(1)))
  await sent
  const setSeconds = await setAll(mq, count, 'steady', (n) => ({ id: `s${n}`, every: everyMs }))
  say(`  ${count} schedules set in ${setSeconds.toFixed(1)} s`)
  // Until each schedule is in its second window.
  await sleep(AHEAD_MS + WINDOW_MS + everyMs)
  await purge(broker)
  rows.push(await measured('recurring, steady', count, patience, receive, () => sleep(1)))
  await removeAll(mq, count)
  const at = new Date(Date.now() + AHEAD_MS + SPREAD_MS + 30_000)
  await setAll(mq, AT_ONCE, 'at once', (n) => ({ id: `o${n}`, every: '1h', from: at }))
  await purge(broker)
  rows.push(
    await measured('recurring, at once', AT_ONCE, patience, receive, () =>
      sleep(Math.max(at.getTime() - Date.now(), 0)),
    ),
  )
  await mq.close()
  await close()
  return {
    settings: { schedules: count, rate, prefetch, ...settings },
    rows,
    notes: [`${count} schedules were set in ${setSeconds.toFixed(1)} s`],
  }
}

async function measured(
  what: string,
  count: number,
  patience: number,
  receive: () => Promise<Receiver>,
  send: () => Promise<unknown>,
) {
  const receiver = await receive()
  await send()
  await receiver.until(count, (patience + (AHEAD_MS + SPREAD_MS) / 1000) * 1000)
  const { unique, early, lateness, cpuMicros } = await receiver.finish()
  const { p50, p90, p99, max } = spreadOf(lateness)
  say(`  ${what}: p99 ${p99} ms`)
  return {
    what,
    messages: count,
    lost: Math.max(0, count - unique),
    early,
    'p50 ms': p50,
    p90,
    p99,
    max,
    'CPU µs/msg': cpuMicros,
  }
}

/** They wait as long as occurrences do. The last of them wait on while schedules are set. */
async function plainSteadily(mq: Dueque, rate: number): Promise<void> {
  const to = { queue: QUEUE }
  const delay = () => AHEAD_MS + randomInt(0, WINDOW_MS)
  const count = rate * ((AHEAD_MS + WINDOW_MS) / 1000 + MEASURED_SECONDS)
  const { failures } = await pace({ rate, count, stopAtFailure: true }, (n) =>
    mq.schedule(sample, payloadOf(n), { to, in: delay() }),
  )
  if (failures[0]) throw failures[0].error
}

async function plainAtOnce(mq: Dueque): Promise<void> {
  const at = new Date(Date.now() + AHEAD_MS + 15_000)
  await scheduleEvery(
    mq,
    payloadItems(AT_ONCE, () => ({ to: { queue: QUEUE }, at })),
  )
}

/** @returns seconds */
async function setAll(
  mq: Ticking,
  count: number,
  what: string,
  times: (n: number) => { id: string; every: number | string; from?: Date },
): Promise<number> {
  const items = Array.from({ length: count }, (_, n) => {
    return { ...times(n), message: sample, payload: payloadOf(n), to: { queue: QUEUE }, note: what }
  })
  const start = performance.now()
  for await (const { error } of mq.recurring.setAll(items)) if (error) throw error
  return (performance.now() - start) / 1000
}

/** Many at a time. */
async function removeAll(mq: Ticking, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1000) {
    const ids = Array.from({ length: Math.min(1000, count - done) }, (_, n) => `s${done + n}`)
    await Promise.all(ids.map((id) => mq.recurring.remove(id)))
  }
}

async function purge(broker: Broker): Promise<void> {
  const model = await connectRaw(broker)
  await (await model.createChannel()).purgeQueue(QUEUE)
  await model.close()
}
