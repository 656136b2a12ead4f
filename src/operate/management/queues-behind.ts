import { destinationKey, type Names } from '../../amqp/topology/names.js'
import type { ManagementApi } from './api.js'
import { bindingsFrom, listExchanges, type BindingFact } from './resources.js'

/** The queues of a namespace that have names of the application. Their names do not tell the namespace: its bindings do. */
export interface QueuesBehind {
  /** To which due messages are delivered, dead queues included. */
  readonly deliver: ReadonlySet<string>
  /** To which consumers move the messages that they give up. */
  readonly dead: ReadonlySet<string>
  /** Every exchange of the vhost. */
  readonly exchanges: ReadonlySet<string>
}

/** @throws DuequeError `MANAGEMENT_FAILED` */
export async function queuesBehind(api: ManagementApi, vhost: string, names: Names): Promise<QueuesBehind> {
  const exchanges = await listExchanges(api, vhost)
  const [deliver, dead] = await Promise.all(
    [names.deliver, names.dead].map((name) =>
      exchanges.has(name) ? bindingsFrom(api, vhost, name) : Promise.resolve([]),
    ),
  )
  return { deliver: queuesOf(deliver!), dead: queuesOf(dead!), exchanges: new Set(exchanges.keys()) }
}

function queuesOf(bindings: readonly BindingFact[]): Set<string> {
  const own = bindings.filter(({ to, name, key }) => to === 'queue' && key === destinationKey({ queue: name }))
  return new Set(own.map(({ name }) => name))
}
