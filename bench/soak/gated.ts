import { connect, type Channel, type ConsumeMessage } from 'amqplib'
import { isDuequeError, ladder, startGate, type GateProcess } from 'dueque'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyOf } from './course.js'
import type { Process } from './process.js'
import { GATED, namespaceOf } from './queues.js'

const PREFETCH = 50
const PAUSE_MS = 1000
const CONNECT_WITHIN_MS = 10_000

/** A gate, and a consumer behind it that does not know dueque. Resolves to how to close both. */
export async function startGated(process: Process, handlerMsOf: (key: string) => number): Promise<() => Promise<void>> {
  const gate = await openGate(process)
  const ending = new AbortController()
  const consumed = consumePlainly(process, handlerMsOf, ending.signal)
  return async () => {
    await gate.close()
    ending.abort()
    await consumed
  }
}

/** However long it takes. */
async function openGate({ request: { urls: url, name }, ledger }: Process): Promise<GateProcess> {
  const options = {
    ...GATED,
    ...{ url, name: `${name} gate`, declare: true, prefetch: 500 },
    logger: false,
    namespace: namespaceOf('ladder'),
    strategy: ladder({ journal: true }),
    // It has no event for a lost connection: its errors count as one.
    onError: () => ledger.write({ is: 'disconnected' }),
  } as const
  for (;;) {
    try {
      return await startGate(options)
    } catch (error) {
      if (!isDuequeError(error)) throw error
      ledger.write({ is: 'news', text: `gate: ${String(error)}` })
      await sleep(PAUSE_MS)
    }
  }
}

/** As any program with amqplib: connects again when a connection is lost. Resolves when it is told to end. */
async function consumePlainly(
  { request: { urls, name }, ledger }: Process,
  handlerMsOf: (key: string) => number,
  ending: AbortSignal,
): Promise<void> {
  for (let n = 0; !ending.aborted; n++) {
    try {
      await consumeFrom(urls[n % urls.length]!)
    } catch (error) {
      ledger.write({ is: 'disconnected' })
      ledger.write({ is: 'news', text: `plain consumer: ${String(error)}` })
      await sleep(PAUSE_MS, undefined, { signal: ending }).catch(() => undefined)
    }
  }

  /** Resolves when it is told to end, and rejects when the connection is lost. */
  async function consumeFrom(node: string): Promise<void> {
    const url = new URL(node)
    url.searchParams.set('heartbeat', '10')
    const clientProperties = { connection_name: `${name} plain` }
    const model = await connect(url.href, { timeout: CONNECT_WITHIN_MS, clientProperties })
    model.on('error', () => undefined) // `close` follows
    try {
      const channel = await model.createChannel()
      channel.on('error', () => undefined) // as above
      const lost = once(channel, 'close').then(() => Promise.reject(new Error('the channel was closed')))
      lost.catch(() => undefined)
      await channel.prefetch(PREFETCH)
      const running = new Set<Promise<void>>()
      const { consumerTag } = await channel.consume(GATED.to, (message) => {
        // The broker ended the consumer.
        if (!message) return void channel.close().catch(() => undefined)
        const one = handle(message, channel).finally(() => running.delete(one))
        running.add(one)
      })
      await Promise.race([lost, ending.aborted || once(ending, 'abort')])
      await Promise.race([lost, channel.cancel(consumerTag)])
      await Promise.race([lost, Promise.all(running)])
      await channel.close()
    } finally {
      await model.close().catch(() => undefined)
    }
  }

  async function handle(message: ConsumeMessage, channel: Channel): Promise<void> {
    const { properties, content } = message
    const key = keyOf(String(properties.messageId))
    const { k } = JSON.parse(content.toString()) as { k: number }
    const due = properties.headers!['dueque-due'] as number
    ledger.write({ is: 'start', key, k, attempt: 1, due })
    await sleep(handlerMsOf(key))
    ledger.write({ is: 'end', key, k, attempt: 1, step: 'return' })
    try {
      channel.ack(message)
    } catch {
      // The channel is closed: it comes again.
    }
  }
}
