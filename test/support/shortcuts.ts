import { YoungQueues } from '../../src/amqp/topology/young-queues.js'
import { WarmUp } from '../../src/strategies/ladder/warm-up.js'

/** Whether confirms of young queues are held back from now on, as outside of tests. */
export const setYoungQueues = replaceable(YoungQueues.prototype, 'isEmpty', { get: () => true })

/** Whether a ladder declares rungs ahead from now on, as outside of tests. */
export const setWarmUp = replaceable(WarmUp.prototype, 'missed', { value: () => undefined })

function replaceable(prototype: object, name: string, other: PropertyDescriptor): (isOwn: boolean) => void {
  const own = Object.getOwnPropertyDescriptor(prototype, name)!
  return (isOwn) => void Object.defineProperty(prototype, name, isOwn ? own : { ...own, ...other })
}
