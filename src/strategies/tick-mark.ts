import type { DelayedMessage } from '../message/delayed-message.js'

/** The name of a tick of a recurring message, as a message. */
export const TICK_NAME = 'dueque.tick'
/** The queue of ticks of any namespace ends with it. */
export const TICK_QUEUE_END = '.v1.ticks'

/** Whether a waiting message is a tick of any namespace, which users do not see among their messages. */
export function isTick({ name, destination }: Pick<DelayedMessage, 'name' | 'destination'>): boolean {
  return name === TICK_NAME && destination.queue?.endsWith(TICK_QUEUE_END) === true
}
