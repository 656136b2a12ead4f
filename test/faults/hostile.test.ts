import { describe, expect, onTestFinished, test } from 'vitest'
import { on, onAny, type Delivery } from '../../src/index.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { open, rawChannel } from '../support/mq.js'
import { RawPublisher } from '../support/raw-publisher.js'
import { Recorder, note, unique } from '../strategies/recorder.js'
import { hostileMessages } from './hostile-messages.js'

const COUNT = Number(process.env['DUEQUE_HOSTILE_COUNT'] ?? 600)
const SEED = Number(process.env['DUEQUE_HOSTILE_SEED'] ?? 7)

const vhost = useVhost()

/** Handlers that return, throw or decide, always or in the end. */
function whatever({
  body,
  attempt,
  retry,
  deadLetter,
}: Pick<Delivery, 'attempt' | 'retry' | 'deadLetter'> & { body: string }): void {
  switch (body.length % 5) {
    case 0:
      throw new Error('x'.repeat(5000))
    case 1:
      return attempt < 3 ? retry({ in: 20 }) : undefined
    case 2:
      return deadLetter('\u0000'.repeat(2000))
    case 3:
      throw attempt < 2 ? undefined : Object.create(null)
  }
}

const noManagement = managementUrl() === undefined

describe.skipIf(noManagement)(
  'hostile messages (skipped without the management API, which counts waiting messages)',
  () => {
    test(
      'each is handled, suppressed, dead, parked or waiting, disturbs no other, and closes no connection',
      async () => {
        const queue = unique('hostile')
        const mq = await open(vhost.url)
        const trouble: unknown[] = []
        mq.on('disconnected', (error) => trouble.push('disconnected', error))
        // A broker that is busy with so many messages may be slow to declare. The schedule is repeated.
        mq.on('error', (error) => {
          if (error.code !== 'PUBLISH_TIMEOUT') trouble.push(error)
        })
        const handle = (delivery: Delivery) => whatever({ ...delivery, body: JSON.stringify(delivery.payload) })
        const consumer = await mq.consume(queue, [on(note, handle), onAny(handle)], {
          concurrency: 50,
          retry: { attempts: 2, backoff: 50 },
        })
        const sent = await sendAll(queue)

        const rest = async () => {
          const { handled, suppressed, running, held } = consumer.stats()
          const left = await totals()
          const sum = [...left.values()].reduce((a, b) => a + b, 0)
          const moving = (left.get(queue) ?? 0) + (left.get('dueque.v1.unroutable') ?? 0) + running + held
          return { isOver: moving === 0, unaccounted: sent - handled - suppressed - sum }
        }
        let last: Awaited<ReturnType<typeof rest>> | undefined
        const settled = async () => (last = await rest()).isOver && last.unaccounted === 0
        await poll(settled, {
          what: 'every message accounted for',
          timeoutMs: 60_000 + COUNT * 20,
          intervalMs: 1000,
        }).catch((error: unknown) => {
          throw new Error(JSON.stringify({ sent, ...last, ...consumer.stats() }), { cause: error })
        })
        console.info({ sent, seed: SEED, ...consumer.stats(), parked: (await totals()).get('dueque.v1.parked') })
        expect(trouble).toEqual([])

        const good = unique('good')
        const recorder = await Recorder.on(mq, good)
        await mq.schedule(note, { n: 1 }, { to: { queue: good }, in: 500 })
        await recorder.has(1)
      },
      120_000 + COUNT * 40,
    )
  },
)

/** Returns the number of messages that the broker confirmed, which is all of them. */
async function sendAll(queue: string): Promise<number> {
  const exchange = unique('fanout')
  const channel = await rawChannel(vhost.url)
  await channel.assertExchange(exchange, 'fanout')
  await channel.bindQueue(queue, exchange, '')
  const publisher = new RawPublisher(vhost.url)
  onTestFinished(() => publisher.close())
  for (const batch of hostileMessages(COUNT, SEED, { queue, exchange, unroutable: 'dueque.v1.unroutable' })) {
    for (const message of batch) await publisher.send(message)
    if (!(await publisher.settle())) throw new Error('the broker refused one of them')
  }
  return publisher.taken
}

async function totals(): Promise<Map<string, number>> {
  const queues = await management<{ name: string; messages?: number }[]>(`/queues/${vhost.name}?columns=name,messages`)
  // A stream keeps its records.
  const others = queues.filter(({ name }) => !name.startsWith('dueque.v1.cancellations.'))
  return new Map(others.map(({ name, messages = 0 }) => [name, messages]))
}
