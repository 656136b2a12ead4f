import type { Arrival } from '../../../src/broker.js'
import { TICKS } from './world.js'

/** An arrival that notes its outcome, by its name. */
export function arrivalOf(log: string[], name: string, body = ''): Arrival & { live: boolean } {
  return {
    ...{ body: Buffer.from(body), properties: {}, headers: {}, exchange: '', routingKey: TICKS },
    ...{ redelivered: false, live: true, abandoned: 0 },
    ack: () => log.push(`ack ${name}`),
    requeue: () => log.push(`requeue ${name}`),
  }
}
