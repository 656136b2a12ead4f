import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { poll } from '../../scripts/broker/poll.js'
import { untilNoSockets, useOwn } from './own.js'
import { PrivateCluster, type PrivateClusterOptions } from '../../scripts/broker/private-cluster.js'
import { PrivateNode, type PrivateNodeOptions } from '../../scripts/broker/private-node.js'

export { poll }

export interface Vhost {
  readonly url: string
  readonly name: string
  drop(): Promise<void>
}

/** AMQP URL of the broker that the tests use. */
export function brokerUrl(): string {
  const url = process.env['AMQP_URL']
  if (!url) throw new Error('no broker to test with: run scripts/test or set AMQP_URL')
  return url
}

/** URL of its management API, without a slash at the end; undefined if it has none. */
export function managementUrl(): string | undefined {
  const url = process.env['RABBITMQ_MANAGEMENT_URL']
  return url ? url.replace(/\/+$/, '') : undefined
}

/**
 * Calls the management API as the user of the AMQP URL: `management('/queues/%2F/q')`. Resolves to the JSON that it
 * answers (undefined for an empty answer); fails for any status but 2xx.
 */
export async function management<T = unknown>(
  path: string,
  init: { method?: string; body?: unknown } = {},
): Promise<T> {
  const base = managementUrl()
  if (base === undefined) throw new Error('no management API to ask: run scripts/test or set RABBITMQ_MANAGEMENT_URL')
  const { method = 'GET', body } = init
  const response = await fetch(`${base}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(credentials().join(':')).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} of the management API: ${response.status} ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Creates a virtual host on the test broker; without a management API, returns the one of AMQP_URL. */
export async function createVhost(): Promise<Vhost> {
  if (managementUrl() === undefined) return sharedVhost()
  const name = `dueque-test-${randomBytes(4).toString('hex')}`
  const path = `/vhosts/${name}`
  const [user] = credentials()
  await management(path, { method: 'PUT' })
  await management(`/permissions/${name}/${encodeURIComponent(user)}`, {
    method: 'PUT',
    body: { configure: '.*', write: '.*', read: '.*' },
  })
  const url = new URL(brokerUrl())
  url.pathname = `/${name}`
  return { url: url.href, name, drop: () => management(path, { method: 'DELETE' }) }
}

/**
 * A virtual host for the tests of a file (or of the `describe` in which it is called): there from the first test to
 * the last, dropped when all of them passed, and kept and named when one failed. A connection that is open after the last
 * test fails the file.
 *
 * ```ts
 * const vhost = useVhost()
 * test('…', async () => connect({ url: vhost.url }))
 * ```
 */
export function useVhost(): Pick<Vhost, 'url' | 'name'> {
  const own = useOwn({
    what: 'virtual host',
    make: createVhost,
    name: ({ name }) => name,
    closed: () => untilNoSockets('the broker', Number(new URL(brokerUrl()).port || 5672)),
    drop: (vhost) => vhost.drop(),
  })
  return {
    get url() {
      return own().url
    },
    get name() {
      return own().name
    },
  }
}

/**
 * A private broker that can be killed and restarted; end it with `stop`. Undefined if its programs are unknown: then the
 * test is skipped, with the reason that DUEQUE_RABBITMQ_BIN is not set.
 */
export async function startNode(options: Omit<PrivateNodeOptions, 'programs'> = {}): Promise<PrivateNode | undefined> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  return programs ? PrivateNode.start({ ...options, programs }) : undefined
}

/** As {@link startNode}: nodes that form a cluster. */
export async function startCluster(
  options: Omit<PrivateClusterOptions, 'programs'> = {},
): Promise<PrivateCluster | undefined> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  return programs ? PrivateCluster.start({ ...options, programs }) : undefined
}

/** The version of the nodes that {@link startNode} starts, without starting one; undefined if their programs are unknown. */
export async function nodeVersion(): Promise<string | undefined> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  if (!programs) return undefined
  const { stdout } = await promisify(execFile)(join(programs, 'rabbitmqctl'), ['version'])
  return stdout.trim()
}

let saidThatShared = false

function sharedVhost(): Vhost {
  if (!saidThatShared) console.warn('RABBITMQ_MANAGEMENT_URL is not set: tests share the virtual host of AMQP_URL')
  saidThatShared = true
  const { pathname } = new URL(brokerUrl())
  const name = pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/'
  return { url: brokerUrl(), name, drop: () => Promise.resolve() }
}

/** User and password of the AMQP URL. */
function credentials(): [string, string] {
  const { username, password } = new URL(brokerUrl())
  return [decodeURIComponent(username || 'guest'), decodeURIComponent(password || 'guest')]
}
