// The receiving process: receiver.ts REQUEST, started by receiving.ts. Reports its progress to the parent process, and
// its tally when it is asked to finish.
import { connect, on } from 'dueque'
import { sample, type Payload } from './load.js'
import { connectRaw } from './broker.js'
import { startSdk, type TelemetryKind } from './telemetry-sdk.js'
import { Tally } from './tally.js'
import { tellTally, type Receiving } from './telling.js'

export interface Request {
  kind: 'dueque' | 'raw'
  /** 'raw' has only the first one. */
  url: string | readonly string[]
  queue: string
  prefetch: number
  /** Of dueque's consumer. */
  namespace?: string
  /** That of dueque's consumer. @default none */
  telemetry?: TelemetryKind
  /** Whether dueque's consumer takes batches. */
  batches?: boolean
  /** Whether dueque's consumer ignores messages that are due before it is ready: it may have many cancellations to read. */
  fromReady?: boolean
}

// The parent is gone.
process.once('disconnect', () => process.exit())

const request = JSON.parse(process.argv[2]!) as Request
const tally = new Tally()
const receiving = await (request.kind === 'raw' ? receiveRaw(request) : receiveByDueque(request))
tellTally(tally, receiving)

async function receiveByDueque(request: Request): Promise<Receiving> {
  const { url, queue, prefetch, namespace, telemetry, batches = false, fromReady } = request
  const mq = await connect({ url, namespace, telemetry: telemetry ? startSdk(telemetry) : undefined })
  let readyAt = fromReady ? Infinity : -Infinity
  const handler = on(sample, ({ payload, dueAt, latenessMs }) => {
    if (dueAt.getTime() >= readyAt) tally.add(payload.n, dueAt.getTime(), latenessMs)
  })
  const consumer = await mq.consume(queue, [handler], {
    prefetch,
    batches,
    concurrency: prefetch,
    duplicates: { maxEntries: 1_000_000 },
  })
  // Behind what had gathered meanwhile.
  readyAt = Math.min(readyAt, Date.now() + 5000)
  return { stats: () => consumer.stats(), close: () => mq.close() }
}

async function receiveRaw({ url, queue, prefetch }: Request): Promise<Receiving> {
  const model = await connectRaw({ url: [url].flat()[0]! })
  const channel = await model.createChannel()
  await channel.prefetch(prefetch)
  await channel.consume(queue, (message) => {
    if (!message) throw new Error(`${queue} is gone`)
    const dueAt = message.properties.headers?.['dueque-due'] as number | undefined
    const { n } = JSON.parse(message.content.toString()) as Payload
    tally.add(n, dueAt, dueAt === undefined ? undefined : Date.now() - dueAt)
    channel.ack(message)
  })
  return {
    stats: () => undefined,
    close: async () => {
      await channel.close()
      await model.close()
    },
  }
}
