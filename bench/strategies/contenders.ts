import { ladder, memory, plugin } from 'dueque'
import { queuesOf, type Broker } from '../broker.js'
import type { Contender, Entrant } from './contender.js'
import { postgresContender } from './postgres-contender.js'
import { redisContender, redisExpiryContender } from './redis-contenders.js'

const nothing = () => Promise.resolve()
const noProcesses = () => Promise.resolve([])

function ladderContender(lead: number): Contender {
  return {
    name: lead === 0 ? 'ladder()' : `ladder({ lead: ${lead} })`,
    enter: (broker) =>
      Promise.resolve({
        strategy: () => ladder({ lead }),
        size: () => waitQueueBytes(broker),
        sizeIs: 'memory',
        processes: noProcesses,
        leave: nothing,
      }),
  }
}

async function waitQueueBytes(broker: Broker): Promise<number> {
  const queues = await queuesOf(broker)
  return queues.filter(({ name }) => name.includes('.wait.')).reduce((sum, { memory: bytes = 0 }) => sum + bytes, 0)
}

const pluginContender: Contender = {
  name: 'plugin()',
  async enter(broker) {
    if (!(await hasDelayPlugin(broker))) return 'this RabbitMQ has no delayed-message plugin'
    const entrant: Entrant = {
      strategy: plugin,
      size: () => mnesiaBytes(broker),
      sizeIs: 'memory',
      processes: noProcesses,
      leave: nothing,
    }
    return entrant
  },
}

export async function hasDelayPlugin(broker: Broker): Promise<boolean> {
  const { exchange_types: types } = await broker.ask<{ exchange_types: { name: string }[] }>('/overview')
  return types.some(({ name }) => name === 'x-delayed-message')
}

/** The folder in which the plugin keeps waiting messages. */
export async function mnesiaBytes(broker: Broker): Promise<number> {
  const [node] = await broker.ask<{ name: string }[]>('/nodes')
  const { memory: used } = await broker.ask<{ memory: { mnesia: number } }>(`/nodes/${node!.name}/memory`)
  return used.mnesia
}

const memoryContender: Contender = {
  name: 'memory()',
  inProcess: true,
  enter: () =>
    Promise.resolve({
      strategy: memory,
      size: () => {
        ;(globalThis as { gc?: () => void }).gc?.()
        return Promise.resolve(process.memoryUsage().heapUsed)
      },
      sizeIs: 'memory',
      processes: noProcesses,
      leave: nothing,
    }),
}

/** In the order of the table. */
export const CONTENDERS: readonly Contender[] = [
  ladderContender(0),
  ladderContender(25),
  pluginContender,
  redisContender,
  redisExpiryContender,
  postgresContender,
  memoryContender,
]
