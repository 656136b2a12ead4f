import { poll } from '../../../scripts/broker/poll.js'
import { rabbitmqPrograms } from '../../../scripts/broker/find-broker.js'
import { PrivateNode } from '../../../scripts/broker/private-node.js'
import { brokerAt, openVhost, queuesOf, type Broker } from '../../broker.js'
import { brokerProcess } from '../../strategies/processes.js'
import type { RabbitPlace } from './place.js'
import type { Server } from './server.js'

/** One private node with the settings that dueque recommends, for all contestants on RabbitMQ. */
export async function startRabbitmq(): Promise<Server<RabbitPlace> | string> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN'] ?? (await rabbitmqPrograms())
  if (programs === undefined) return 'no RabbitMQ is installed, and DUEQUE_RABBITMQ_BIN names none'
  const node = await PrivateNode.start({ programs })
  const broker = brokerAt(node.url, node.managementUrl!)
  const { erlang_version: erlang } = await broker.ask<{ erlang_version: string }>('/overview')
  return {
    how: `RabbitMQ ${node.version} on Erlang ${erlang}, one node, docker/advanced.config`,
    bytesAre: 'memory',
    open: () => placeIn(broker),
    processes: () => brokerProcess(broker),
    folder: async () => {
      const [one] = await broker.ask<{ db_dir: string }[]>('/nodes')
      return one!.db_dir
    },
    kill: () => node.kill(),
    shutdown: () => node.shutdown(),
    restart: async () => {
      await node.restart()
      await poll(() => broker.ask('/overview'), { what: 'the management API answers', timeoutMs: 60_000 })
    },
    stop: () => node.stop(),
  }
}

async function placeIn(server: Broker): Promise<RabbitPlace> {
  const { broker, leave } = await openVhost(server)
  return { url: broker.url, broker, bytes: () => queueBytes(broker), leave }
}

async function queueBytes(broker: Broker): Promise<number> {
  const queues = await queuesOf(broker)
  return queues.reduce((sum, { memory = 0 }) => sum + memory, 0)
}

/** Messages in all queues of the virtual host, as of the last tick. The records of streams are no messages. */
export async function queuedMessages({ broker }: RabbitPlace): Promise<number> {
  const queues = await queuesOf(broker)
  return queues.filter(({ type }) => type !== 'stream').reduce((sum, { messages = 0 }) => sum + messages, 0)
}
