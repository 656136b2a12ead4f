import { onTestFinished } from 'vitest'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { quietEvents } from '../../src/amqp/connection/quiet-events.js'
import { parkedSentOn } from '../../src/operate/failed/parked-messages.js'
import { Redrive, type RedrivePlan } from '../../src/operate/failed/redrive.js'
import { FailedQueue } from '../../src/operate/failed/failed-queue.js'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import { DuequeError } from '../../src/index.js'
import { resolveOptions } from '../../src/options.js'
import { PARKED } from './parked.js'

/** Opens the parked messages, or those of another storage queue, for one reading. */
export async function openParked(url: string, name = PARKED): Promise<FailedQueue> {
  const options = resolveOptions({ url })
  const queue = await FailedQueue.open({ ...options, endpoints: parseEndpoints(url) }, name)
  onTestFinished(() => queue.close())
  return queue
}

/** Sends parked messages on, all of them if the plan says nothing else; or those of another storage queue. */
export async function redriveParked(url: string, plan: Partial<RedrivePlan> = {}, name = PARKED) {
  const queue = await openParked(url, name)
  const work = await Redrive.open(resolveOptions({ url }), quietEvents())
  onTestFinished(() => work.close())
  const sent: DelayedMessage[] = []
  const left: DuequeError[] = []
  await work.run(queue, {
    chosen: () => true,
    sentOn: (stored) => parkedSentOn(stored, undefined, Date.now()),
    declare: false,
    isNamed: () => true,
    isBound: () => Promise.resolve(undefined),
    limit: Infinity,
    ratePerSecond: Infinity,
    signal: new AbortController().signal,
    settled: (_, outcome) => {
      if (outcome instanceof DuequeError) left.push(outcome)
      else sent.push(outcome)
    },
    ...plan,
  })
  await queue.close()
  return { sent: sent.map(({ id }) => id).sort(), left: left.map(({ code, message }) => `${code} ${message}`) }
}
