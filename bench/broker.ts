import { connect, type Channel, type ChannelModel } from 'amqplib'
import { randomBytes } from 'node:crypto'
import { poll } from '../scripts/broker/poll.js'

/** The broker to measure: AMQP and its management API. */
export interface Broker {
  readonly url: string
  /** Of the virtual host in `url`. */
  readonly vhost: string
  /** Calls the management API: `ask('/nodes')`. */
  readonly ask: <T = unknown>(path: string, method?: 'GET' | 'PUT' | 'DELETE', body?: object) => Promise<T>
}

export function brokerAt(url: string, managementUrl: string): Broker {
  const { username, password, pathname } = new URL(url)
  const [user, secret] = [username || 'guest', password || 'guest'].map(decodeURIComponent) as [string, string]
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
  const ask: Broker['ask'] = async <T>(path: string, method = 'GET', body?: object) => {
    const response = await fetch(`${managementUrl.replace(/\/+$/, '')}/api${path}`, {
      method,
      headers: { authorization },
      signal: AbortSignal.timeout(60_000),
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} of the management API: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  return { url, vhost: pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/', ask }
}

/** Runs something in a new virtual host, which is deleted afterwards with its content. */
export async function inVhost<T>(broker: Broker, run: (broker: Broker) => Promise<T>): Promise<T> {
  const { broker: inside, leave } = await openVhost(broker)
  try {
    return await run(inside)
  } finally {
    await leave()
  }
}

/** A new virtual host. `leave` deletes it with its content. */
export async function openVhost(broker: Broker): Promise<{ broker: Broker; leave: () => Promise<void> }> {
  const vhost = `dueque-bench-${randomBytes(4).toString('hex')}`
  const path = `/vhosts/${vhost}`
  const url = new URL(broker.url)
  const user = url.username || 'guest'
  url.pathname = `/${vhost}`
  await broker.ask(path, 'PUT', {})
  await broker.ask(`/permissions/${vhost}/${user}`, 'PUT', { configure: '.*', write: '.*', read: '.*' })
  return { broker: { ...broker, url: url.href, vhost }, leave: () => broker.ask(path, 'DELETE') }
}

export function connectRaw({ url }: Pick<Broker, 'url'>): Promise<ChannelModel> {
  return connect(url, { noDelay: true })
}

/** Declares a quorum queue without anything else. */
export async function declareQuorum(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
}

/** Waits until `count` messages have arrived in the queue, and removes them. */
export async function drain(channel: Channel, queue: string, count: number, timeoutMs = 120_000): Promise<void> {
  await poll(async () => (await channel.checkQueue(queue)).messageCount >= count, {
    what: `${count} messages in ${queue}`,
    timeoutMs,
    intervalMs: 50,
  })
  await channel.purgeQueue(queue)
}

/** Waits until `count` messages have arrived in the queue or in its batches, and removes them. */
export async function drainBatches(channel: Channel, queue: string, count: number, timeoutMs = 120_000): Promise<void> {
  let taken = 0
  const take = async (from: string) => {
    const message = await channel.get(from, { noAck: true })
    if (message) taken += (message.properties.headers?.['dueque-items'] as number | undefined) ?? 1
    return message !== false
  }
  const isEmpty = async () => {
    while ((await take(`${queue}.batches`)) || (await take(queue)));
    return taken >= count
  }
  await poll(isEmpty, { what: `${count} messages in batches of ${queue}`, timeoutMs, intervalMs: 50 })
}

export interface QueueStats {
  name: string
  type?: string
  messages?: number
  memory?: number
}

/** As of the broker's last tick, a few seconds ago. */
export function queuesOf({ vhost, ask }: Broker): Promise<QueueStats[]> {
  return ask(`/queues/${encodeURIComponent(vhost)}?disable_stats=false`)
}
