import { connect, ladder, type Dueque } from 'dueque'
import { randomInt } from 'node:crypto'
import { PrivateNode } from '../scripts/broker/private-node.js'
import { say } from '../scripts/broker/say.js'
import { brokerAt, connectRaw, drain, type Broker } from './broker.js'
import { counts, sum } from './counts.js'
import { BODY_BYTES, items, payloadItems, payloadOf, sample, scheduleEvery } from './load.js'
import { spreadOf } from './numbers.js'
import type { Options } from './options.js'
import { startReceiver } from './receiving.js'
import type { Result } from './report.js'

const QUEUE = 'bench.crash'
const LEAST_DELAY_MS = 20_000
const LONGEST_DELAY_MS = 40_000
const WARM_UP = 3_000

/** The effect of a kill -9 of the broker on its waiting messages. Runs on a private node. */
export async function crash(_: Broker, options: Options): Promise<Result> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  if (!programs) return skipped('it kills its broker and so needs a private node: set DUEQUE_RABBITMQ_BIN')
  const node = await PrivateNode.start({ programs, advanced: !options.brokerDefaults })
  try {
    const result = await onNode(node, brokerAt(node.url, node.managementUrl!), options)
    return { ...result, brokerVersion: node.version }
  } finally {
    await node.stop()
  }
}

async function onNode(node: PrivateNode, broker: Broker, options: Options): Promise<Result> {
  const { count = 20_000, inFlight = 2000, prefetch = 1000, patience = 30, queueType, shards } = options
  const to = { queue: QUEUE }
  const mq = await connect({ url: broker.url, maxInFlight: inFlight, strategy: ladder({ queueType, shards }) })
  await mq.schedule(sample, payloadOf(-1), { to, in: 0, declare: true })
  if (!options.freshRungs) await declareRungs(mq, broker, to)
  const delays = Array.from({ length: count }, () => randomInt(LEAST_DELAY_MS, LONGEST_DELAY_MS + 1))
  await scheduleEvery(
    mq,
    payloadItems(count, (n) => ({ to, in: delays[n]! })),
  )
  const scheduledAt = Date.now()
  await node.kill()
  say('  all confirmed, broker killed')
  await mq.close()
  await node.restart()
  const restartedAt = Date.now()
  say(`  running again after ${((restartedAt - scheduledAt) / 1000).toFixed(1)} s`)
  const found = await counts(node)

  const receiver = await startReceiver({ kind: 'dueque', url: broker.url, queue: QUEUE, prefetch })
  const lastDueAt = scheduledAt + LONGEST_DELAY_MS
  await receiver.until(Infinity, patience * 1000, lastDueAt)
  const final = await receiver.finish()
  const left = await counts(node)
  const arrived = new Set(final.numbers)
  const lost = delays.flatMap((delayMs, n) => (arrived.has(n) ? [] : [{ n, delayMs }]))

  const { unique, copies, early, stats, lateness } = final
  const { p50, p99, max } = spreadOf(lateness)
  return {
    settings: {
      count,
      bodyBytes: BODY_BYTES,
      delays: '20–40 s',
      queueType,
      shards,
      patience,
      rungs: options.freshRungs ? 'fresh' : 'declared before',
      brokerSettings: options.brokerDefaults ? 'defaults' : 'recommended',
    },
    rows: [
      {
        messages: count,
        lost: lost.length,
        'copies arrived': copies - unique + (stats?.suppressed ?? 0),
        'copies handled': copies - unique,
        early,
        'p50 ms': p50,
        'p99 ms': p99,
        'last ms': max,
        'over 1 s late': lateness.filter((ms) => ms > 1000).length,
      },
    ],
    notes: [
      `down for ${((restartedAt - scheduledAt) / 1000).toFixed(1)} s; the last message arrived ` +
        `${((final.lastAt - restartedAt) / 1000).toFixed(1)} s after that`,
      `in its queues after the restart: ${sum(found)}`,
      left.length === 0
        ? 'nothing is left in the broker'
        : `left in the broker: ${left.map(({ name, messages }) => `${name} ${messages}`).join(', ')}`,
    ],
    details: {
      restartSeconds: (restartedAt - scheduledAt) / 1000,
      lost: lost.slice(0, 100),
      found,
      left,
      receiver: { ...final, lateness: undefined, numbers: undefined },
    },
  }
}

/**
 * A kill soon after a quorum queue was declared can make RabbitMQ forget the log of that queue, with confirmed messages:
 * "Quorum queue recovery: configured member … was not found on this node". That is another question than this one.
 */
async function declareRungs(mq: Dueque, broker: Broker, to: { queue: string }): Promise<void> {
  const source = Array.from({ length: WARM_UP }, () => payloadOf(-1))
  await scheduleEvery(
    mq,
    items(source, () => ({ to, in: randomInt(LEAST_DELAY_MS, LONGEST_DELAY_MS + 1) })),
  )
  const model = await connectRaw(broker)
  await drain(await model.createChannel(), to.queue, WARM_UP)
  await model.close()
}

function skipped(reason: string): Result {
  return { settings: {}, rows: [], notes: [`skipped: ${reason}`] }
}
