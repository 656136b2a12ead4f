import { connect, ladder, type Dueque } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { connectRaw, type Broker } from './broker.js'
import { LONGEST_DELAY_MS, scheduleSteadily } from './lateness.js'
import { items, payloadOf, scheduleEvery, warmUp } from './load.js'
import { median, spreadOf, timed } from './numbers.js'
import type { Options } from './options.js'
import { startReceiver } from './receiving.js'
import type { Result, Row } from './report.js'

const QUEUE = 'bench.journal'
const HOUR_MS = 3_600_000
/** Pause between two rounds, for the housekeeping of the broker. */
const REST_MS = 1000

/** A connection in a namespace of its own. */
interface Side {
  readonly namespace: 'plain' | 'journalled'
  readonly mq: Dueque
}

/** The cost of a journal for producers, and for the lateness of messages: the same with it and without, in turns. */
export async function journal(broker: Broker, options: Options): Promise<Result> {
  const { count = 30_000, rounds = 10, rate = 2000, seconds = 20, prefetch = 1000 } = options
  const { url } = broker
  const plain: Side = { namespace: 'plain', mq: await connect({ url, namespace: 'plain', strategy: ladder() }) }
  const strategy = ladder({ journal: true })
  const journalled: Side = { namespace: 'journalled', mq: await connect({ url, namespace: 'journalled', strategy }) }
  for (const { mq } of [plain, journalled]) await warmUp(mq, { queue: QUEUE }, 5000)
  await sleep(LONGEST_DELAY_MS)
  const rates = await ratePairs(broker, [plain, journalled], count, rounds)
  const late = { plain: [] as number[], journalled: [] as number[] }
  for (let pair = 0; pair < Math.max(1, Math.ceil(rounds / 3)); pair++) {
    for (const side of inTurns(plain, journalled, pair)) {
      late[side.namespace].push(await p99Of(broker, side, { rate, seconds, prefetch }))
    }
  }
  await Promise.all([plain.mq.close(), journalled.mq.close()])
  const [without, withJournal] = [median(late.plain), median(late.journalled)]
  return {
    settings: { count, rounds, rate, seconds, delay: '1 h', 'delays of the lateness': '1–10 s' },
    rows: [
      row('rate without', median(rates.map(([one]) => one!)), '/s'),
      row('rate with', median(rates.map(([, one]) => one!)), '/s'),
      row('rate with / without', median(rates.map(([one, other]) => other! / one!)), '', '0.85'),
      row('p99 lateness without', without, 'ms'),
      row('p99 lateness with', withJournal, 'ms'),
      row('p99 lateness: difference', withJournal - without, 'ms', '1'),
    ],
    notes: ['medians of pairs, in turns; with / without: the median of the quotients of the pairs'],
    details: { rates, late },
  }
}

function row(measure: string, value: number, unit: string, target = ''): Row {
  return { measure, value, unit, target }
}

function inTurns<T>(one: T, other: T, turn: number): [T, T] {
  return turn % 2 === 0 ? [one, other] : [other, one]
}

/** Schedules per second of one fixed delay: without and with, for each pair. The first pair is not counted. */
async function ratePairs(broker: Broker, [plain, journalled]: [Side, Side], count: number, pairs: number) {
  const model = await connectRaw(broker)
  const channel = await model.createChannel()
  const payloads = Array.from({ length: count }, (_, n) => payloadOf(n))
  const hour = () => ({ to: { queue: QUEUE }, in: HOUR_MS, declare: true })
  const rates: number[][] = []
  for (let pair = 0; pair <= pairs; pair++) {
    const measured = { plain: 0, journalled: 0 }
    for (const { namespace, mq } of inTurns(plain, journalled, pair)) {
      const { rate, cpuMicros } = await timed(count, () => scheduleEvery(mq, items(payloads, hour)))
      say(`  pair ${pair}: ${namespace}: ${Math.round(rate)}/s, ${cpuMicros.toFixed(1)} µs of CPU each`)
      measured[namespace] = rate
      await channel.purgeQueue(`${namespace}.v1.wait.1h`)
      await sleep(REST_MS)
    }
    if (pair > 0) rates.push([measured.plain, measured.journalled])
  }
  await model.close()
  return rates
}

/** Lateness at a steady rate, in milliseconds. */
async function p99Of(
  { url }: Broker,
  { namespace, mq }: Side,
  { rate, seconds, prefetch }: { rate: number; seconds: number; prefetch: number },
): Promise<number> {
  const nodeOptions = ['--max-semi-space-size=64']
  const receiver = await startReceiver({ kind: 'dueque', url, queue: QUEUE, prefetch, namespace }, { nodeOptions })
  await scheduleSteadily(mq, { queue: QUEUE }, rate, seconds)
  const isAll = await receiver.until(rate * seconds, 30_000, Date.now() + LONGEST_DELAY_MS)
  const { lateness, early } = await receiver.finish()
  const { p50, p99 } = spreadOf(lateness)
  say(
    `  ${namespace}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, early ${early}${isAll ? '' : ', some are lost'}`,
  )
  return p99
}
