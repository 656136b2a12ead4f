import { Layout } from '../../../../src/amqp/topology/layout.js'
import type { Part } from '../../../../src/amqp/topology/part.js'
import { Names } from '../../../../src/amqp/topology/names.js'
import type { Facts, Look } from '../../../../src/operate/doctor/facts.js'
import type { BindingFact, QueueFact } from '../../../../src/operate/management/resources.js'
import { cancellationLayout, journalLayout, recurringLayout } from '../../../../src/log/log-layout.js'
import { tickParts } from '../../../../src/recurring/recurring-layout.js'
import { LadderLayout } from '../../../../src/strategies/ladder/ladder-layout.js'
import { allRungs } from '../../../../src/strategies/ladder/rungs.js'

export const names = new Names('dueque')
const layout = new Layout(names, 'quorum')
const ladder = new LadderLayout(names)
export const cancellations = cancellationLayout(names)
export const journal = journalLayout(names)
export const recurring = recurringLayout(names)
export const ticks = tickParts(layout)

/** A healthy broker with the layout and these rungs, plus the additions of a test. */
export function healthy({ rungs = ['30m'], shards = 1, parts = [] as Part[] } = {}): Facts & { look: Look } {
  const variants = Array.from({ length: shards }, (_, shard) => ({ type: 'quorum', shard }) as const)
  const own = allRungs()
    .filter(({ name }) => rungs.includes(name))
    .flatMap((rung) => variants.flatMap((variant) => ladder.rung(rung, variant)))
  const all = [...layout.base(), ...ladder.exchanges(), ...cancellations.parts(), ...own, ...parts]
  const queues = new Map<string, QueueFact>()
  const bindings = new Map<string, BindingFact[]>()
  const exchanges = new Map<string, { name: string; type: string; arguments: Readonly<Record<string, unknown>> }>()
  for (const part of all) {
    if (part.kind === 'queue')
      queues.set(
        part.name,
        queue(part.name, { type: String(part.arguments['x-queue-type']), arguments: part.arguments }),
      )
    else if (part.kind === 'exchange') exchanges.set(part.name, part)
    else bindings.set(part.from, [...(bindings.get(part.from) ?? []), part])
  }
  const look = { at: 0, queues }
  return {
    names,
    queueType: 'quorum',
    topology: 'declare',
    shards: 1,
    queues: [],
    hasStreams: true,
    journal: false,
    recurring: false,
    vhost: '/',
    user: 'app',
    server: { product: 'RabbitMQ', version: '4.3.6' },
    probes: [],
    seenQueues: new Map(),
    seenExchanges: new Map(),
    management: { policies: [], operatorPolicies: [], exchanges, bindings, looks: [look], missing: [] },
    look,
  }
}

export function queue(name: string, more: Partial<QueueFact> = {}): QueueFact {
  return { name, type: 'quorum', durable: true, arguments: {}, messages: 0, ready: 0, ...more }
}

export const codes = (findings: readonly { severity: string; code: string }[]) =>
  findings.filter(({ severity }) => severity !== 'ok').map(({ severity, code }) => `${severity} ${code}`)
