import { installRabbitmq } from './debian.js'
import { findService, programsOf } from './find-service.js'
import { greet } from './greet.js'
import { poll } from './poll.js'
import { PrivateNode } from './private-node.js'
import { say } from './say.js'

export interface Broker {
  readonly url: string
  readonly managementUrl: string | undefined
  /** One line for humans: the broker and its origin. */
  readonly how: string
  /** Set if it is a private node that can be killed and restarted. */
  readonly node?: PrivateNode
  /** Stops the processes that were started for this broker. May be called again. */
  stop(): Promise<void>
}

const IMAGE = 'rabbitmq:4.3-management'

const CHOICES = `No RabbitMQ to work with. One of these gives one:
  AMQP_URL=amqp://user:password@host:5672   a running broker (RABBITMQ_MANAGEMENT_URL=http://host:15672 goes with it)
  DUEQUE_RABBITMQ_BIN=/path/to/sbin         a folder with rabbitmq-server and rabbitmqctl; a private node is started
  Docker                                    a running engine that has or can pull ${IMAGE}
  rabbitmq-server                           installed, on the PATH; a private node is started
  apt-get                                   as root on Debian or Ubuntu: rabbitmq-server is installed`

const INSTALLED = {
  programs: ['rabbitmq-server'],
  folders: ['/usr/sbin', '/usr/lib/rabbitmq/bin'], // often missing on a user's PATH
  install: installRabbitmq,
}

/**
 * Finds a broker or starts one, in the order of the list above. `DUEQUE_BROKER=local` leaves Docker out;
 * `DUEQUE_FRESH_COUNTS=1` is for tests that wait for counts of the management API. What it starts is gone after `stop`,
 * and also when this process ends without it.
 */
export function findBroker(): Promise<Broker> {
  return findService({
    given: givenBroker(),
    container: async () => {
      const { startRabbitmqContainer } = await import('./docker.js') // it loads much, which only this way needs
      return startRabbitmqContainer(IMAGE)
    },
    installed: INSTALLED,
    start: privateBroker,
    choices: CHOICES,
  })
}

/** Folder of rabbitmq-server, which is installed if it is missing and can be; otherwise undefined. */
export function rabbitmqPrograms(): Promise<string | undefined> {
  return programsOf(INSTALLED)
}

function givenBroker(): (() => Promise<Broker>) | undefined {
  const { AMQP_URL, RABBITMQ_MANAGEMENT_URL, DUEQUE_RABBITMQ_BIN } = process.env
  if (AMQP_URL) return () => runningBroker(AMQP_URL, RABBITMQ_MANAGEMENT_URL)
  if (DUEQUE_RABBITMQ_BIN) return () => privateBroker(DUEQUE_RABBITMQ_BIN)
  return undefined
}

async function runningBroker(url: string, managementUrl: string | undefined): Promise<Broker> {
  const { host } = new URL(url) // without user and password
  const version = await poll(() => greet(url), {
    what: `The broker of AMQP_URL (${host}) takes clients`,
    intervalMs: 500,
  })
  return {
    url,
    managementUrl: managementUrl || undefined,
    how: `RabbitMQ ${version} at ${host}, from AMQP_URL`,
    stop: () => Promise.resolve(),
  }
}

async function privateBroker(programs: string): Promise<Broker> {
  say(`Starting a private RabbitMQ node with the programs in ${programs} …`)
  const node = await PrivateNode.start({ programs, freshCounts: process.env['DUEQUE_FRESH_COUNTS'] === '1' })
  const { url, managementUrl, version } = node
  const how = `RabbitMQ ${version}, a private node (${new URL(url).host}) of ${node.programs}`
  return { url, managementUrl, how, node, stop: () => node.stop() }
}
