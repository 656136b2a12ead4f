import type { Endpoint } from '../amqp/connection/endpoint.js'
import { errorText } from '../base/errors.js'
import { CommandError } from './exit.js'
import { ShapeError, list, number, object, or, text, type Read } from './shape.js'

/** Of one queue. `ready` leaves out what is unacked, or with the dead-letter worker of a wait queue. */
export interface Count {
  messages: number
  ready: number
}

export interface ManagementApi {
  url: URL
  user: string
  password: string
  timeoutMs: number
}

/** Only the numbers are asked for, which takes little and comes fresher than the statistics (and even with those off). */
const TOTALS = 'columns=name,messages,messages_ready&disable_stats=true&enable_queue_totals=true'
const PAGE_SIZE = 500

const pageOfQueues = object({
  page_count: number,
  items: list(object({ name: text, messages: or(number, 0), messages_ready: or(number, 0) })),
})

/** The management API of a URL that may hold user and password; those of the broker's URL otherwise. */
export function managementAt(text: string, { user, password }: Endpoint): ManagementApi {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new CommandError('USAGE', '--management: expected a URL such as http://localhost:15672')
  }
  const given = url.username !== '' && { user: decode(url.username), password: decode(url.password) }
  url.username = url.password = ''
  return { url, user, password, ...given, timeoutMs: 10_000 }
}

/** Where it is by default, next to the broker. Soon given up, because often it is not there. */
export function managementBeside({ protocol, host, user, password }: Endpoint): ManagementApi {
  const url = new URL(`${protocol === 'amqps' ? 'https' : 'http'}://${host}`)
  url.port = protocol === 'amqps' ? '15671' : '15672'
  return { url, user, password, timeoutMs: 2000 }
}

/**
 * What a management API answers: the one that was named, which must, or the first of those beside the broker's nodes.
 *
 * @param named false if none is to be asked
 * @throws CommandError `MANAGEMENT_FAILED` of the one that was named
 */
export async function overManagement<T>(
  named: string | false | undefined,
  endpoints: readonly Endpoint[],
  work: (api: ManagementApi, endpoint: Endpoint) => Promise<T>,
): Promise<{ answer: T } | { reason: string }> {
  if (named === false) return { reason: '--no-management' }
  if (named !== undefined) return { answer: await work(managementAt(named, endpoints[0]!), endpoints[0]!) }
  const reasons: string[] = []
  for (const endpoint of endpoints) {
    try {
      return { answer: await work(managementBeside(endpoint), endpoint) }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      reasons.push(error.message)
    }
  }
  return { reason: reasons.join('; ') }
}

/**
 * Counts the messages of every queue of the vhost whose name the regular expression finds.
 *
 * @throws CommandError `MANAGEMENT_FAILED`
 */
export async function listQueues(api: ManagementApi, vhost: string, pattern: string): Promise<Map<string, Count>> {
  const counts = new Map<string, Count>()
  for (let page = 1, pages = 1; page <= pages; page++) {
    const query = `${TOTALS}&page=${page}&page_size=${PAGE_SIZE}&use_regex=true&name=${encodeURIComponent(pattern)}`
    const answer = await ask(api, `/api/queues/${encodeURIComponent(vhost)}?${query}`, pageOfQueues)
    pages = answer.page_count
    for (const { name, messages, messages_ready } of answer.items) counts.set(name, { messages, ready: messages_ready })
  }
  return counts
}

/**
 * One document of the API.
 *
 * @throws CommandError `MANAGEMENT_FAILED`
 */
export async function ask<T>(
  { url, user, password, timeoutMs }: ManagementApi,
  path: string,
  read: Read<T>,
): Promise<T> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  try {
    const response = await fetch(url.href.replace(/\/+$/, '') + path, {
      headers: { authorization },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.ok) return read(await response.json())
    await response.body?.cancel()
    throw new Error(STATUS[response.status] ?? `status ${response.status}`)
  } catch (error) {
    throw new CommandError('MANAGEMENT_FAILED', `management API at ${url.host}: ${reason(error)}`, error)
  }
}

const STATUS: Record<number, string> = {
  401: 'it refused the user (wrong password, or no tag such as monitoring), or the vhost is closed to it',
  404: 'the vhost, or what was asked for, is missing',
}

function reason(error: unknown): string {
  if (error instanceof ShapeError || error instanceof SyntaxError) return 'what answers there is not RabbitMQ'
  // fetch hides what happened in its cause; for several addresses that is an AggregateError without a text.
  const { cause } = error as { cause?: { message?: string; code?: string } }
  return cause?.message || cause?.code || errorText(error)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
