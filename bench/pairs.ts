import type { Channel } from 'amqplib'
import type { Dueque } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/broker/say.js'
import { connectRaw, type Broker } from './broker.js'
import { LONGEST_DELAY_MS, scheduleSteadily } from './lateness.js'
import { warmUp } from './load.js'
import { median, spreadOf, timed } from './numbers.js'
import { startReceiver } from './receiving.js'
import type { Request } from './receiver.js'
import type { Row } from './report.js'

/** Pause between two rounds, for the housekeeping of the broker. */
const REST_MS = 1000

/** A connection in a namespace of its own: with something, or without it. */
export interface Side {
  readonly namespace: string
  readonly mq: Dueque
  /** What its receiver is told beside the usual. */
  readonly receiver?: Partial<Request>
}

/** Without, and with. */
export type Sides = readonly [Side, Side]

interface PairsOptions {
  /** Schedules of a round. */
  count: number
  /** The first pair comes beside them and is not counted. */
  pairs: number
}

/**
 * Schedules per second of one fixed delay of an hour: without and with, in turns.
 *
 * @param schedule schedules `count` messages to the queue
 */
export async function ratePairs(
  broker: Broker,
  sides: Sides,
  { count, pairs }: PairsOptions,
  schedule: (mq: Dueque) => Promise<void>,
): Promise<number[][]> {
  const model = await connectRaw(broker)
  const channel: Channel = await model.createChannel()
  const rates: number[][] = []
  for (let pair = 0; pair <= pairs; pair++) {
    const measured = new Map<Side, number>()
    for (const side of inTurns(sides, pair)) {
      const { rate, cpuMicros } = await timed(count, () => schedule(side.mq))
      say(`  pair ${pair}: ${side.namespace}: ${Math.round(rate)}/s, ${cpuMicros.toFixed(1)} µs of CPU each`)
      measured.set(side, rate)
      await channel.purgeQueue(`${side.namespace}.v1.wait.1h`)
      await sleep(REST_MS)
    }
    if (pair > 0) rates.push(sides.map((side) => measured.get(side)!))
  }
  await model.close()
  return rates
}

/** Values of each side, measured in turns. */
export async function inPairs<All extends readonly Side[]>(
  sides: All,
  pairs: number,
  measure: (side: Side) => Promise<number>,
): Promise<{ [Place in keyof All]: number[] }> {
  const values = sides.map((): number[] => [])
  for (let pair = 0; pair < pairs; pair++)
    for (const side of inTurns(sides, pair)) values[sides.indexOf(side)]!.push(await measure(side))
  return values as { [Place in keyof All]: number[] }
}

/** Each turn begins with the next side. */
function inTurns(sides: readonly Side[], turn: number): readonly Side[] {
  return sides.map((_, place) => sides[(turn + place) % sides.length]!)
}

/** p99 of the lateness at a steady rate, in milliseconds. */
export async function p99Of(
  { url }: Broker,
  { namespace, mq, receiver: more }: Side,
  { queue, rate, seconds, prefetch }: { queue: string; rate: number; seconds: number; prefetch: number },
): Promise<number> {
  const nodeOptions = ['--max-semi-space-size=64']
  const receiver = await startReceiver({ kind: 'dueque', url, queue, prefetch, namespace, ...more }, { nodeOptions })
  await scheduleSteadily(mq, { queue }, { rate, seconds })
  const isAll = await receiver.until(rate * seconds, 30_000, Date.now() + LONGEST_DELAY_MS)
  const { lateness, early } = await receiver.finish()
  const { p50, p99 } = spreadOf(lateness)
  say(
    `  ${namespace}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, early ${early}${isAll ? '' : ', some are lost'}`,
  )
  return p99
}

/** Lets all sides declare their queues and rungs. */
export async function warmUpAll(sides: readonly Side[], queue: string): Promise<void> {
  for (const { mq } of sides) await warmUp(mq, { queue }, 5000)
  await sleep(LONGEST_DELAY_MS)
}

export function rateRows(what: string, rates: readonly number[][]): Row[] {
  const name = what === '' ? 'rate' : `rate of ${what}`
  return [
    row(`${name} without`, median(rates.map(([one]) => one!)), '/s'),
    row(`${name} with`, median(rates.map(([, one]) => one!)), '/s'),
    row(`${name}: with / without`, median(rates.map(([one, other]) => other! / one!)), '', '0.85'),
  ]
}

/** @param target the greatest difference, in milliseconds */
export function latenessRows([without, having]: readonly [number[], number[]], target: string): Row[] {
  const [before, after] = [median(without), median(having)]
  return [
    row('p99 lateness without', before, 'ms'),
    row('p99 lateness with', after, 'ms'),
    row('p99 lateness: difference', after - before, 'ms', target),
  ]
}

export function row(measure: string, value: number, unit: string, target = ''): Row {
  return { measure, value, unit, target }
}
