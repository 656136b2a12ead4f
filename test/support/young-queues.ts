import { YoungQueues } from '../../src/amqp/topology/young-queues.js'

const plain = Object.getOwnPropertyDescriptor(YoungQueues.prototype, 'isEmpty')!

/** Whether confirms of young queues are held back from now on, as outside of tests, or not. */
export function setYoungQueues(areHeldBack: boolean): void {
  Object.defineProperty(YoungQueues.prototype, 'isEmpty', areHeldBack ? plain : { ...plain, get: () => true })
}
