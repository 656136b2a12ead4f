import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Channel } from 'amqplib'
import { AmqpBroker } from '../../amqp/amqp-broker.js'
import { AmqpConnection } from '../../amqp/connection/connection.js'
import { parseEndpoints } from '../../amqp/connection/endpoint.js'
import { operationFailure } from '../../amqp/connection/failures.js'
import { quietEvents } from '../../amqp/connection/quiet-events.js'
import { Names } from '../../amqp/topology/names.js'
import { errorText, isDuequeError } from '../../base/errors.js'
import type { ResolvedOptions } from '../../options.js'
import { resolveSchedule } from '../../schedule/schedule-options.js'
import { openSession, type Session } from '../../session.js'
import { finding, type Finding } from '../../base/finding.js'

const DELAY_MS = 1000
/** After the message was due. */
const PATIENCE_MS = 20_000
/** Rungs may have to be declared, and the process may be busy. */
const LATE_MS = 2000
/** The queue goes by itself, with the message and the binding, if this process is killed. */
const QUEUE_EXPIRES_MS = 120_000

/** The fate of the message. */
export type Trip =
  | { arrived: true; latenessMs: number }
  | { arrived: false; why: 'lost' | 'interrupted' }
  | { arrived: false; why: 'blocked' | 'denied' | 'failed'; text: string }

/**
 * Sends one message with a delay of 1 s to a queue of its own, which it deletes in any case. Declares everything that a
 * `schedule` declares.
 */
export async function roundTrip(options: ResolvedOptions, signal: AbortSignal): Promise<Trip> {
  const queue = `${new Names(options.namespace).prefix}.doctor.${randomBytes(4).toString('hex')}`
  let blocked: string | undefined
  const events = quietEvents({
    blocked: (reason) => (blocked = reason),
    unblocked: () => (blocked = undefined),
  })
  const settings = { ...options, endpoints: parseEndpoints(options.url), name: `${options.name} doctor` }
  const connection = new AmqpConnection(settings, events)
  let session: Session | undefined
  try {
    await connection.open()
    const channel = await (await connection.ready()).createChannel()
    // Reported by the operation that caused it.
    channel.on('error', () => undefined)
    const arrival = await listen(channel, queue)
    session = await openSession(new AmqpBroker(options, events), options, { onError: () => undefined })
    const dueAt = await schedule(options, queue, signal)
    const arrivedAt = await arrived(arrival, signal)
    if (arrivedAt !== undefined) return { arrived: true, latenessMs: arrivedAt - dueAt }
    return { arrived: false, why: signal.aborted ? 'interrupted' : 'lost' }
  } catch (error) {
    if (signal.aborted) return { arrived: false, why: 'interrupted' }
    const text = errorText(error)
    if (blocked !== undefined) return { arrived: false, why: 'blocked', text: blocked }
    return { arrived: false, why: isDuequeError(error, 'PERMISSION_DENIED') ? 'denied' : 'failed', text }
  } finally {
    await session?.close()
    await remove(connection, queue)
  }
}

/** Resolves to when the message arrived. */
type Arrived = Promise<number>

async function listen(channel: Channel, queue: string): Promise<{ at: Arrived }> {
  try {
    await channel.assertQueue(queue, {
      durable: true,
      arguments: { 'x-queue-type': 'classic', 'x-expires': QUEUE_EXPIRES_MS },
    })
    let tell: (at: number) => void
    const at = new Promise<number>((resolve) => (tell = resolve))
    await channel.consume(queue, () => tell(Date.now()), { noAck: true })
    return { at }
  } catch (error) {
    throw operationFailure(error, `queue ${queue}`, 'configure')
  }
}

async function schedule({ strategy, clock }: ResolvedOptions, queue: string, signal: AbortSignal): Promise<number> {
  const to = { queue }
  const draft = resolveSchedule({ to, in: DELAY_MS, id: `doctor-${randomUUID()}` }, clock.now(), DELAY_MS)
  const message = { ...draft, name: 'dueque.doctor', version: 1, body: Buffer.from('null') }
  await strategy.schedule(message, { declare: false, signal })
  return draft.dueAt
}

async function arrived({ at }: { at: Arrived }, signal: AbortSignal): Promise<number | undefined> {
  if (signal.aborted) return undefined
  const done = new AbortController()
  const timer = setTimeout(() => done.abort(), DELAY_MS + PATIENCE_MS)
  const over = Promise.race([once(signal, 'abort', done), once(done.signal, 'abort')]).catch(() => undefined)
  const result = await Promise.race([at, over.then(() => undefined)])
  clearTimeout(timer)
  done.abort()
  return result
}

/** On a new channel: the other may have been closed by an error. Its binding goes with the queue. */
async function remove(connection: AmqpConnection, queue: string): Promise<void> {
  try {
    const channel = await connection.model?.createChannel()
    channel?.on('error', () => undefined)
    await channel?.deleteQueue(queue)
  } catch {
    // It was never declared, or goes by itself.
  } finally {
    await connection.close()
  }
}

/** Where nothing is declared, the queue of the trip would not be bound, and the message be parked. */
export function tripLeftOut(): Finding {
  const what = 'no round trip: the queue for it would have to be declared, which topology trust does not do'
  return finding('note', 'trip-left-out', what, 'dueque doctor --topology declare, as a user who may configure')
}

export function judgeTrip(trip: Trip): Finding {
  if (trip.arrived) {
    const ms = `${Math.abs(trip.latenessMs)} ms`
    if (trip.latenessMs < 0) {
      const todo = 'let the nodes keep time (NTP); use RabbitMQ'
      return finding('error', 'trip-early', `a message with a delay of 1 s arrived ${ms} early`, todo)
    }
    const what = `a message with a delay of 1 s arrived ${ms} late`
    if (trip.latenessMs <= LATE_MS) return finding('ok', 'trip', what)
    return finding('warning', 'trip-late', what, 'look at the load of the broker, and again with dueque doctor')
  }
  switch (trip.why) {
    case 'lost': {
      const what = `a message with a delay of 1 s did not arrive within ${PATIENCE_MS / 1000} s of being due`
      return finding('error', 'trip-lost', what, 'see the other findings, and dueque status')
    }
    case 'blocked':
      return finding('error', 'alarm', `RabbitMQ takes no messages: ${trip.text}`, 'free memory or disk')
    case 'denied':
      return finding('note', 'trip-denied', `no round trip: ${trip.text}`, 'give the permission, or --no-round-trip')
    case 'failed':
      return finding('error', 'trip-failed', `no message could be sent: ${trip.text}`, 'see the other findings')
    case 'interrupted':
      return finding('note', 'trip-interrupted', 'the round trip was interrupted')
  }
}
