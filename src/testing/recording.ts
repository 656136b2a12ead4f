import { isForOwnQueue } from '../amqp/topology/reserved-names.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { InMemory } from '../strategies/memory/memory.js'

/**
 * The strategy of one connection, which notes in `scheduled` what its users schedule. Waiting messages outlive the
 * connection, as in RabbitMQ.
 */
export function recording<S extends InMemory>(strategy: S, scheduled: DelayedMessage[]): S {
  const own: Pick<InMemory, 'schedule' | 'stop'> = {
    async schedule(message, options) {
      // A message that a consumer sends on carries the properties of its arrival.
      const isSentOn = message.properties !== undefined && !options.items
      if (isSentOn || isForOwnQueue(message)) return strategy.schedule(message, options)
      const noted = options.items ?? [message]
      scheduled.push(...noted)
      const forget = () => {
        for (const one of noted) scheduled.splice(scheduled.lastIndexOf(one), 1)
      }
      try {
        const instead = await strategy.schedule(message, options)
        if (instead) forget()
        return instead
      } catch (error) {
        forget()
        throw error
      }
    },
    stop: () => Promise.resolve(),
  }
  return { ...strategy, ...own }
}
