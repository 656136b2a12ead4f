import { connect, type Dueque } from 'dueque'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../../scripts/broker/say.js'
import { atRest } from '../at-rest.js'
import { inVhost, type Broker } from '../broker.js'
import { payloadItems, payloadOf, randomDelayMs, sample, scheduleEvery, warmUp } from '../load.js'
import { spreadOf } from '../numbers.js'
import type { Options } from '../options.js'
import { pace } from '../pace.js'
import { BODY_BYTES } from '../load.js'
import type { Result, Row } from '../report.js'
import type { Entrant } from './contender.js'
import { CONTENDERS } from './contenders.js'
import { receiverFor } from './in-process.js'
import { writePage } from './page.js'
import { brokerProcess, cpuSeconds } from './processes.js'

const LONGEST_DELAY_MS = 10_000
const QUEUE = 'bench.strategies'
const to = { queue: QUEUE }

/** The results of one strategy. */
export interface Measured {
  name: string
  /** Lateness at a steady rate, in ms. */
  p50: number
  p90: number
  p99: number
  early: number
  lost: number
  /** Of RabbitMQ and the store, in µs a message, from the schedule to the receiver's ack. */
  serverCpu: number
  /** Of the process that schedules, and relays. */
  producerCpu: number
  scheduledPerSecond: number
  drainedPerSecond: number
  bytes: number
  bytesAre: 'memory' | 'disk'
}

/** Runs every strategy for which this machine has servers, one after the other, each in its own virtual host. */
export async function strategies(broker: Broker, options: Options): Promise<Result> {
  const { rate = 1000, seconds = 20, count = 20_000, patience = 30, prefetch = 1000 } = options
  const measured: Measured[] = []
  const left: string[] = []
  for (const contender of CONTENDERS) {
    const { name, inProcess = false } = contender
    await inVhost(broker, async (inside) => {
      const entrant = await contender.enter(inside)
      if (typeof entrant === 'string') {
        say(`  ${name}: left out, ${entrant}`)
        left.push(`${name} is left out: ${entrant}`)
        return
      }
      say(`  ${name} …`)
      const work = { broker: inside, entrant, inProcess, rate, seconds, count, patience, prefetch }
      try {
        measured.push({ name, ...(await late(work)), ...(await burst(work)), ...(await waiting(work)) })
      } finally {
        await entrant.leave()
      }
    })
  }
  await writePage(measured, left, { rate, seconds, count })
  return {
    settings: { rate, seconds, count, bodyBytes: BODY_BYTES, delays: '1–10 s' },
    rows: measured.map(rowOf),
    notes: left,
    details: { measured },
  }
}

interface Work {
  broker: Broker
  entrant: Entrant
  inProcess: boolean
  rate: number
  seconds: number
  count: number
  patience: number
  prefetch: number
}

async function late({ broker, entrant, inProcess, rate, seconds, patience, prefetch }: Work) {
  const mq = await open(broker, entrant)
  await warmUp(mq, to, 2000)
  await sleep(LONGEST_DELAY_MS)
  const receiver = await receiverFor(inProcess ? mq : broker.url, { queue: QUEUE, prefetch })
  const total = rate * seconds
  // Some processes are short-lived.
  const servers = async () => cpuSeconds([...(await brokerProcess(broker)), ...(await entrant.processes())])
  const [serverBefore, ownBefore] = [await servers(), process.cpuUsage()]
  const paced = await pace({ rate, count: total, stopAtFailure: true }, (n) =>
    mq.schedule(sample, payloadOf(n), { to, in: randomDelayMs() }),
  )
  if (paced.failures[0]) throw paced.failures[0].error
  await receiver.until(total, patience * 1000, Date.now() + LONGEST_DELAY_MS)
  const own = process.cpuUsage(ownBefore)
  const serverCpu = (((await servers()) - serverBefore) * 1e6) / total
  const { unique, early, lateness } = await receiver.finish()
  await mq.close()
  const { p50, p90, p99 } = spreadOf(lateness)
  const producerCpu = (own.user + own.system) / total
  // Memory has no server, and RabbitMQ idles beside it.
  return { p50, p90, p99, early, lost: total - unique, serverCpu: inProcess ? 0 : serverCpu, producerCpu }
}

async function burst({ broker, entrant, inProcess, count, patience, prefetch }: Work) {
  const mq = await open(broker, entrant)
  const receiver = await receiverFor(inProcess ? mq : broker.url, { queue: QUEUE, prefetch })
  const before = Date.now()
  // Enough time for the slowest strategy to schedule, with a margin.
  const at = new Date(before + 5000 + count / 2)
  await scheduleEvery(
    mq,
    payloadItems(count, () => ({ to, at, declare: true })),
  )
  const scheduledAt = Date.now()
  if (scheduledAt > at.getTime()) say('    scheduling was not over at the due time')
  await receiver.until(count, patience * 1000, at.getTime())
  const { unique, lastAt } = await receiver.finish()
  await mq.close()
  return {
    scheduledPerSecond: (count / (scheduledAt - before)) * 1000,
    drainedPerSecond: (unique / (lastAt - at.getTime())) * 1000,
  }
}

async function waiting({ broker, entrant, count }: Work) {
  const mq = await open(broker, entrant)
  await scheduleEvery(
    mq,
    payloadItems(1000, () => ({ to, in: '30d', declare: true })),
  )
  const before = await atRest(() => entrant.size())
  await scheduleEvery(
    mq,
    payloadItems(count, () => ({ to, in: '30d' })),
  )
  const after = await atRest(() => entrant.size())
  await mq.close()
  return { bytes: (after - before) / count, bytesAre: entrant.sizeIs }
}

function open(broker: Broker, entrant: Entrant): Promise<Dueque> {
  return connect({ url: broker.url, strategy: entrant.strategy() })
}

function rowOf(one: Measured): Row {
  return {
    strategy: one.name,
    'p50 ms': one.p50,
    'p90 ms': one.p90,
    'p99 ms': one.p99,
    early: one.early,
    lost: one.lost,
    'server CPU µs/msg': one.serverCpu,
    'producer CPU µs/msg': one.producerCpu,
    'scheduled/s': one.scheduledPerSecond,
    'drained/s': one.drainedPerSecond,
    'bytes/waiting': one.bytes,
    of: one.bytesAre,
  }
}
