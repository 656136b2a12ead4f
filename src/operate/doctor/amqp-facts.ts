import type { Channel, ChannelModel } from 'amqplib'
import { closeChannel } from '../../amqp/connection/close-channel.js'
import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import { isAway, isLoss, operationFailure, replyCode } from '../../amqp/connection/failures.js'
import { deadQueue, type Names, type TopologyMode } from '../../amqp/topology/names.js'
import { withConnection } from '../../amqp/connection/operator-connection.js'
import { streamStart } from '../../amqp/receive/stream-end.js'
import { isDuequeError } from '../../base/errors.js'
import { cancellationLayout, journalLayout, recurringLayout } from '../../log/log-layout.js'
import { tickQueue } from '../../recurring/recurring-layout.js'
import { DEFINITIONS, HORIZONS } from '../../log/horizons.js'
import { LadderNames } from '../../strategies/ladder/ladder-names.js'
import { UNITS } from '../../strategies/ladder/rungs.js'
import { recurringOn } from '../recurring-status.js'
import type { Facts, Probe } from './facts.js'

type AmqpFacts = Pick<Facts, 'server' | 'probes' | 'seenQueues' | 'seenExchanges' | 'streamStarts' | 'recurringState'>

/** How the user is to use the namespace. */
export interface Use {
  /** The work queues that it is to consume. */
  queues: readonly string[]
  /** Whether it declares queues and exchanges. */
  topology: TopologyMode
  /** Whether it reads cancellations. */
  hasStreams: boolean
  /** Whether it writes a journal. */
  journal: boolean
  /** Whether it changes recurring messages, and sends them if it consumes. */
  recurring: boolean
}

/**
 * The facts that AMQP alone can tell. Changes nothing on the broker, which logs a line for each question it has to deny.
 *
 * @throws DuequeError as `connect` does
 */
export function amqpFacts(settings: ConnectionSettings, names: Names, use: Use): Promise<AmqpFacts> {
  return withConnection(settings, async (connection) => {
    const model = await connection.ready()
    const { product, version } = model.connection.serverProperties
    const rungNames = new LadderNames(names)
    const ladder = UNITS.flatMap((unit, i) => [rungNames.entry(unit), ...(i > 0 ? [rungNames.next(unit)] : [])])
    const logs = logNames(names, { ...use, journal: true, recurring: true })
    const exchanges = [names.unroutable, names.parked, names.dead, names.deliver, ...ladder, ...logs.exchanges]
    const seenQueues = await lookAt([names.unroutable, names.parked, tickQueue(names), ...logs.streams], (name) =>
      seen(model, async (channel) => (await channel.checkQueue(name)).messageCount),
    )
    const isThere = (queue: string) => typeof seenQueues.get(queue) === 'number'
    const streams = logs.streams.filter(isThere)
    return {
      server: { product, version },
      probes: await (use.topology === 'trust' ? probeTrusting : probeDeclaring)(model, names, use),
      seenQueues,
      streamStarts: await startsOf(model, streams),
      recurringState: await recurringOn(connection, { names, logger: settings.logger }, isThere),
      seenExchanges: await lookAt(exchanges, (name) =>
        seen(model, async (channel) => {
          await channel.checkExchange(name)
          return 'there' as const
        }),
      ),
    }
  })
}

function logNames(names: Names, { hasStreams, journal, recurring }: Use): { exchanges: string[]; streams: string[] } {
  const logs = [
    ...(hasStreams ? [cancellationLayout(names)] : []),
    ...(journal ? [journalLayout(names)] : []),
    ...(recurring ? [recurringLayout(names)] : []),
  ]
  const streams = logs.flatMap((log) => log.streams().map(({ name }) => name))
  return { exchanges: logs.map(({ exchange }) => exchange), streams }
}

/** Side by side: one without a replica answers late, or not. */
async function startsOf(model: ChannelModel, streams: readonly string[]) {
  const starts = new Map<string, { offset: number; ageMs: number }>()
  const look = async (stream: string) => {
    // Without the permission to read it, it is not judged.
    const start = await streamStart(model, stream).catch(() => undefined)
    if (start?.writtenAt !== undefined)
      starts.set(stream, { offset: start.offset, ageMs: Date.now() - start.writtenAt })
  }
  await Promise.all(streams.map(look))
  return starts
}

async function lookAt<T>(
  names: readonly string[],
  look: (name: string) => Promise<T | undefined>,
): Promise<Map<string, T>> {
  const found = new Map<string, T>()
  for (const name of names) {
    const one = await look(name)
    if (one !== undefined) found.set(name, one)
  }
  return found
}

/** Undefined without the permission to look, which newer brokers ask for, and for a queue that is away for now. */
async function seen<T>(
  model: ChannelModel,
  look: (channel: Channel) => Promise<T>,
): Promise<T | 'missing' | undefined> {
  const result = await attempt(model, look)
  if (!('error' in result)) return result.value
  return replyCode(result.error) === 404 && !isAway(result.error) ? 'missing' : undefined
}

async function probeDeclaring(model: ChannelModel, names: Names, use: Use): Promise<Probe[]> {
  const second = UNITS[1]!
  const variant = { type: 'quorum', shard: 0 } as const
  const ladder = new LadderNames(names)
  const { exchanges, streams } = logNames(names, use)
  const own = [
    names.deliver,
    ladder.entry(second),
    ladder.next(second),
    ladder.wait({ unit: second, digit: 1, name: '1s', ttlMs: 1000 }, variant),
    names.unroutable,
    names.parked,
    names.dead,
    ...exchanges,
    ...streams.filter((name) => name.endsWith(`.${HORIZONS[0]!.name}`)),
    ...(use.recurring ? [tickQueue(names)] : []),
  ]
  const probes: Probe[] = []
  for (const name of own) probes.push(await mayConfigure(model, name), ...(await mayBind(model, name)))
  // A consumer declares the dead queue and binds both. It does not read the dead queue.
  for (const queue of use.queues) {
    const dead = deadQueue(queue)
    probes.push(
      await mayConfigure(model, dead),
      ...(await mayBind(model, dead)).filter(({ permission }) => permission === 'write'),
    )
    probes.push(...(await mayBind(model, queue)))
  }
  return probes
}

/** The permissions of a user for whom everything is declared: docs/operations/permissions.md. Without a queue it only schedules. */
async function probeTrusting(model: ChannelModel, names: Names, use: Use): Promise<Probe[]> {
  const { queues } = use
  const consumes = queues.length > 0
  const { exchanges, streams } = logNames(names, use)
  const ladder = new LadderNames(names)
  const written = [
    ...UNITS.map((unit) => ladder.entry(unit)),
    names.deliver,
    ...(consumes ? [names.dead, names.parked] : []),
    ...exchanges,
  ]
  const probes: Probe[] = []
  for (const name of written) {
    probes.push(...(await mayBind(model, name)).filter(({ permission }) => permission === 'write'))
  }
  const writable = probes.find(({ allowed }) => allowed === true)?.name
  const definitions = recurringLayout(names).stream(DEFINITIONS)
  const read = [
    ...(consumes ? [names.unroutable] : []),
    ...streams.filter((name) => consumes || use.journal || name === definitions),
    ...(consumes && use.recurring ? [tickQueue(names)] : []),
    ...queues,
  ]
  for (const name of read) probes.push(await mayRead(model, name, writable))
  return probes
}

/** Declares with an argument that no queue can have: the broker checks permissions first, and then declares no queue. */
async function mayConfigure(model: ChannelModel, name: string): Promise<Probe> {
  const impossible = { durable: true, arguments: { 'x-message-ttl': 'none' } }
  const result = await attempt(model, (channel) => channel.assertQueue(name, impossible))
  const code = 'error' in result ? replyCode(result.error) : undefined
  return { permission: 'configure', name, allowed: code === 403 ? false : code === 406 || 'unknown' }
}

/**
 * Unbinding a binding that never existed succeeds, also without a queue and an exchange of that name: if the user may
 * write the queue, which is asked first, and read the exchange. Without write, read stays unknown.
 */
async function mayBind(model: ChannelModel, name: string): Promise<Probe[]> {
  const result = await attempt(model, (channel) => channel.unbindQueue(name, name, 'dq~doctor~none'))
  if (!('error' in result)) return [allow('write', true), allow('read', true)]
  const refusal = operationFailure(result.error, `queue ${name}`, 'write')
  if (!isDuequeError(refusal, 'PERMISSION_DENIED')) return [allow('write', 'unknown'), allow('read', 'unknown')]
  if (refusal.data.resource.startsWith('exchange ')) return [allow('write', true), allow('read', false)]
  return [allow('write', false), allow('read', 'unknown')]

  function allow(permission: Probe['permission'], allowed: Probe['allowed']): Probe {
    return { permission, name, allowed }
  }
}

/** As {@link mayBind}, for a name that the user may not write: any other name that the user may write stands in for it. */
async function mayRead(model: ChannelModel, name: string, writable: string | undefined): Promise<Probe> {
  if (writable === undefined) return { permission: 'read', name, allowed: 'unknown' }
  const result = await attempt(model, (channel) => channel.unbindQueue(writable, name, 'dq~doctor~none'))
  if (!('error' in result)) return { permission: 'read', name, allowed: true }
  return { permission: 'read', name, allowed: replyCode(result.error) === 403 ? false : 'unknown' }
}

/** Works on a new channel, because an error closes it. */
async function attempt<T>(
  model: ChannelModel,
  work: (channel: Channel) => Promise<T>,
): Promise<{ value: T } | { error: unknown }> {
  const channel = await model.createChannel().catch((error: unknown) => {
    throw operationFailure(error, 'channel', 'unknown')
  })
  // Reported by the operation that caused it.
  channel.on('error', () => undefined)
  try {
    const value = await work(channel)
    await closeChannel(channel)
    return { value }
  } catch (error) {
    if (isLoss(error)) throw operationFailure(error, 'channel', 'unknown')
    return { error }
  }
}
