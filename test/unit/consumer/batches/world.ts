import type { ConsumerEnvironment } from '../../../../src/consumer/environment.js'
import type { ConsumeOptions, DelayedMessage, Delivery } from '../../../../src/index.js'
import { batchOf, noteItem } from '../../../support/batch-of.js'
import { settled, world } from '../world.js'

/** An item by its id. Its payload is 1. */
export interface Item extends Partial<DelayedMessage> {
  id: string
  /** Milliseconds from now. @default 0 */
  in?: number
}

/** A consumer of batches without a broker and with a clock that stands still. */
export async function batchWorld(
  handle: (delivery: Delivery<number>) => unknown,
  options: ConsumeOptions = {},
  more: Partial<ConsumerEnvironment> = {},
) {
  const it = await world(handle, more, { batches: true, ...options })
  const { broker, clock } = it
  const made = (items: readonly Item[], of: Partial<DelayedMessage> = {}) =>
    batchOf(
      items.map(({ in: delay = 0, ...item }, n) =>
        noteItem('orders', n, clock.now() + delay, {
          name: 'order',
          body: Buffer.from('1'),
          revision: clock.now() * 1000,
          ...item,
        }),
      ),
      of,
    )
  /** Delivers a batch now, as a broker does. */
  const arriveTogether = async (items: readonly Item[], of: Partial<DelayedMessage> = {}) => {
    await broker.deliver(made(items, of), { declare: false })
    await settled()
  }
  const inQueue = (queue: string) => broker.messages(queue).map(({ properties }) => properties['messageId'])
  return {
    ...it,
    made,
    arriveTogether,
    /** Ids of the messages in the queue of the items. */
    singles: () => inQueue('orders'),
    batches: () => broker.messages('orders.batches').length,
    dead: () => broker.messages('orders.dead'),
  }
}

export const ids = (...all: string[]): Item[] => all.map((id) => ({ id }))

/** Handlers that end when they are told to, by the ids of their messages. */
export function gated() {
  const ends = new Map<string, (error?: Error) => void>()
  const handle = ({ id }: Delivery) =>
    new Promise<void>((resolve, reject) => {
      ends.set(id, (error) => (error ? reject(error) : resolve()))
    })
  const end = async (id: string, error?: Error) => {
    ends.get(id)!(error)
    await settled()
  }
  return { handle, end }
}
