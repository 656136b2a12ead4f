import type { ConfirmChannel, Options } from 'amqplib'
import { connect as connectRaw } from 'amqplib'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { on, onAny, type Delivery } from '../../src/index.js'
import { HEADER } from '../../src/envelope.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { Recorder, note, unique } from '../strategies/recorder.js'

const COUNT = Number(process.env['DUEQUE_HOSTILE_COUNT'] ?? 600)
const SEED = Number(process.env['DUEQUE_HOSTILE_SEED'] ?? 7)
const DAY_MS = 86_400_000

const vhost = useVhost()

/** What amqplib can write, also where no client of sense would. But no NaN or infinity: RabbitMQ closes the connection. */
const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('x'.repeat(3000), '', '\u0000', '\u001b[2J'),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e18, max: 1e300 }),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    { '!': 'double', value: -1e300 },
    { '!': 'float', value: 0.1 },
    { '!': 'timestamp', value: 2 ** 62 },
    { '!': 'int64', value: -(2 ** 62) },
    { '!': 'decimal', value: { places: 3, digits: 12_345 } },
  ),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), tie('value'), { maxKeys: 3 }),
  ),
}))

/** Far away or over, so that nothing is held when it is counted. */
const instants = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 53 - 1, 8.64e15, 8.64e15 + 1, '1795420800000', '', 'soon', 1.5),
  fc.integer({ min: -DAY_MS, max: 500 }).map((ms) => Date.now() + ms),
  fc.integer({ min: 1, max: 5000 }).map((days) => Date.now() + days * DAY_MS),
  value,
)
const numbers = fc.oneof(fc.constantFrom(0, 1, 2, 5, -1, 2 ** 53 - 1, 2 ** 31, '7', '', [], {}, null), value)
const texts = fc.oneof(
  fc.constantFrom('queue:', 'exchange:', 'queue:elsewhere', 'exchange:amq.topic', 'queue:dq~q', ''),
  fc.string({ unit: 'binary', maxLength: 60 }),
  value,
)
const forged = fc.record(
  {
    [HEADER.due]: instants,
    [HEADER.retryAt]: instants,
    [HEADER.expires]: instants,
    [HEADER.firstFailed]: instants,
    [HEADER.revision]: numbers,
    [HEADER.attempt]: numbers,
    [HEADER.priorAttempts]: numbers,
    [HEADER.version]: numbers,
    [HEADER.rescues]: numbers,
    [HEADER.to]: texts,
    [HEADER.dedupe]: texts,
    [HEADER.reason]: texts,
    BCC: fc.array(fc.oneof(fc.constantFrom('dq~30m', 'dq~end~d', 'dq~queue~elsewhere'), fc.string({ maxLength: 50 }))),
    CC: fc.array(fc.string({ maxLength: 50 }), { maxLength: 3 }),
    'x-death': value,
    'x-first-death-reason': value,
    'x-delivery-count': numbers,
  },
  { requiredKeys: [] },
)
const names = fc.oneof(fc.constantFrom('test.note', ''), fc.string({ unit: 'binary', maxLength: 60 }))
const properties = fc.record(
  {
    messageId: fc.oneof(fc.constantFrom('a', 'b'), names),
    type: names,
    contentType: names,
    contentEncoding: names,
    correlationId: names,
    replyTo: names,
    appId: names,
    timestamp: fc.maxSafeNat(),
    priority: fc.integer({ min: 0, max: 255 }),
    deliveryMode: fc.constantFrom(1, 2),
  },
  { requiredKeys: [] },
)
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc.record({ n: fc.nat() }).map((good) => Buffer.from(JSON.stringify(good))),
  fc
    .constantFrom('['.repeat(100_000), '{"__proto__":{"n":1}}', '{"n":1e999}', '"\\ud800"')
    .map((text) => Buffer.from(text)),
)
const messages = fc.record({
  body: bodies,
  properties,
  headers: fc.oneof(forged, fc.dictionary(fc.string(), value, { maxKeys: 4 })),
})

/** Returns, throws, and decides, for ever or in the end. */
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

describe.skipIf(noManagement)('hostile messages (skipped without the management API, which counts what waits)', () => {
  test(
    'each is handled, suppressed, dead, parked or waiting, and disturbs no other',
    async () => {
      const queue = unique('hostile')
      const mq = await open(vhost.url)
      const handle = (delivery: Delivery) => whatever({ ...delivery, body: JSON.stringify(delivery.payload) })
      const consumer = await mq.consume(queue, [on(note, handle), onAny(handle)], {
        concurrency: 50,
        retry: { attempts: 2, backoff: 50 },
      })
      const publisher = await Publisher.on(vhost.url)
      for (const message of fc.sample(messages, { numRuns: COUNT, seed: SEED })) await publisher.send(queue, message)
      const sent = await publisher.end()
      expect(sent).toBeGreaterThan(COUNT / 2)

      const rest = async () => {
        const { handled, suppressed, running, held } = consumer.stats()
        const left = await totals()
        const sum = [...left.values()].reduce((a, b) => a + b, 0)
        return { isOver: (left.get(queue) ?? 0) + running + held === 0, unaccounted: sent - handled - suppressed - sum }
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
      console.info({ sent, seed: SEED, ...consumer.stats() })

      const good = unique('good')
      const recorder = await Recorder.on(mq, good)
      await mq.schedule(note, { n: 1 }, { to: { queue: good }, in: 500 })
      await recorder.has(1)
    },
    120_000 + COUNT * 40,
  )
})

async function totals(): Promise<Map<string, number>> {
  const queues = await management<{ name: string; messages?: number }[]>(`/queues/${vhost.name}?columns=name,messages`)
  return new Map(queues.map(({ name, messages = 0 }) => [name, messages]))
}

interface Message {
  body: Buffer
  properties: object
  headers: Record<string, unknown>
}

/** Publishes straight into a queue, and counts what the broker took. */
class Publisher {
  readonly #channel: ConfirmChannel
  #taken = 0

  static async on(url: string): Promise<Publisher> {
    const model = await connectRaw(url, { noDelay: true })
    onTestFinished(() => model.close())
    return new Publisher(await model.createConfirmChannel())
  }

  private constructor(channel: ConfirmChannel) {
    this.#channel = channel
  }

  async send(queue: string, { body, properties, headers }: Message): Promise<void> {
    const options = { ...properties, headers } as Options.Publish
    let full: boolean
    try {
      full = !this.#channel.sendToQueue(queue, body, options, (error: unknown) => {
        if (!error) this.#taken++
      })
    } catch {
      // amqplib cannot write it: no producer in this language could have sent it.
      return
    }
    if (full) await this.#channel.waitForConfirms()
  }

  async end(): Promise<number> {
    await this.#channel.waitForConfirms()
    return this.#taken
  }
}
