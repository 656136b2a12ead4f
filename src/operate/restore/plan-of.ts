import { counted } from '../../base/counted.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'
import { Declarer } from '../../amqp/topology/declarer.js'
import { DuequeError } from '../../base/errors.js'
import { destinationText, type Destination } from '../../message/destination.js'
import type { LostMessages } from './lost-messages.js'
import type { RestoreSettings } from './restore-options.js'
import type { RestoredDestination, RestorePlan } from './restore-plan.js'

/** Looks for each destination at the target. Nothing is declared. */
export async function planOf(lost: LostMessages, { target, lostAt, isOwn }: RestoreSettings): Promise<RestorePlan> {
  const destinations = await withConnection(target, async (connection) => {
    const declarer = new Declarer(connection, target)
    const looked: RestoredDestination[] = []
    for (const { destination, messages, from, to } of lost.destinations) {
      const exists = await declarer.exists(...partOf(destination))
      looked.push({ destination, messages, from: new Date(from), to: new Date(to), exists })
    }
    declarer.close()
    return looked.sort((a, b) => b.messages - a.messages)
  })
  const times = destinations.flatMap(({ from, to }) => [from, to]).sort((a, b) => a.getTime() - b.getTime())
  return {
    lostAt: new Date(lostAt.at),
    messages: lost.size,
    overdue: lost.readyBy(target.clock.now()),
    from: times.at(0),
    to: times.at(-1),
    destinations,
    skipped: lost.skipped,
    justBefore: lost.justBefore,
    isOwn,
  }
}

/**
 * @param declare whether missing queues are declared
 * @throws DuequeError `DESTINATION_MISSING`
 */
export function assertDestinations({ destinations }: RestorePlan, declare = false): void {
  const missing = destinations.filter(({ exists, destination }) => !exists && !(declare && isDeclarable(destination)))
  const [first] = missing
  if (!first) return
  const shown = missing.map(
    ({ destination, messages }) => `${destinationText(destination)} (${counted(messages, 'message')})`,
  )
  const message = `nothing is restored, because these destinations are missing: ${shown.join(', ')}. Declare them first. The option declare declares missing queues`
  throw new DuequeError('DESTINATION_MISSING', message, { destination: destinationText(first.destination) })
}

/** A dead queue has other arguments than a work queue. */
function isDeclarable({ queue }: Destination): boolean {
  return queue !== undefined && !queue.endsWith('.dead')
}

function partOf({ queue, exchange }: Destination): [kind: 'queue' | 'exchange', name: string] {
  return queue === undefined ? ['exchange', exchange] : ['queue', queue]
}
