import { expect, it, vi } from 'vitest'
import type { Frame } from '../../../../src/amqp/publish/frame-builder.js'
import { DuequeError } from '../../../../src/base/errors.js'
import type { PublishOptions } from '../../../../src/broker.js'
import { RecordedPlan } from '../../../../src/journal/writing/recorded-plan.js'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { failure } from '../../../support/mq.js'

const frame = { exchange: 'entry', routingKey: 'q', options: {} }
const message = { dueAt: 7, retryAt: 8 } as DelayedMessage

/** A plan that returns these one after another, in front of a stream that is ready at these attempts. */
function planOf(
  prepared: (Frame | Promise<void>)[],
  ready: (Promise<void> | undefined)[] = [],
  options: Partial<PublishOptions> = {},
) {
  const records = {
    untilReady: vi.fn(() => ready.shift()),
    write: vi.fn(() => 5),
    writesAgain: vi.fn(() => false),
    published: vi.fn(),
    unrecorded: vi.fn(),
  }
  const inner = { prepare: () => prepared.shift()!, safeAt: () => 42 }
  return { plan: new RecordedPlan(message, inner, { declare: false, ...options }, records), ...records }
}

it('writes the record once, as the message first goes out', async () => {
  const { plan, write, untilReady } = planOf([Promise.resolve(), frame, frame])
  await plan.prepare()
  expect(write).not.toHaveBeenCalled()
  expect(plan.written).toBeUndefined()
  expect(plan.prepare()).toBe(frame)
  expect(plan.prepare()).toBe(frame)
  expect(write).toHaveBeenCalledTimes(1)
  expect(untilReady).toHaveBeenCalledWith(8)
  expect(plan.written).toBe(5)
  expect(plan.safeAt()).toBe(42)
})

it('sends nothing before the stream takes records', async () => {
  const { plan, write } = planOf([frame, frame], [Promise.resolve(), undefined])
  const waiting = plan.prepare()
  expect(waiting).toBeInstanceOf(Promise)
  await waiting
  expect(write).not.toHaveBeenCalled()
  expect(plan.prepare()).toBe(frame)
})

it('waits for its stream and its rungs side by side, and fails with either', async () => {
  let declared: (() => void) | undefined
  const declaring = new Promise<void>((resolve) => (declared = resolve))
  const refused = new Error('no stream')
  const { plan, write } = planOf([declaring, Promise.resolve()], [Promise.resolve(), Promise.reject(refused)])
  const waiting = plan.prepare() as Promise<void>
  declared!()
  await waiting
  expect(await failure(plan.prepare() as Promise<void>)).toBe(refused)
  expect(write).not.toHaveBeenCalled()
})

it('a message that is sent on goes without its record if the stream takes none', async () => {
  const denied = new DuequeError('BROKER_ERROR', 'no stream', { replyCode: 541 })
  const { plan, write, unrecorded } = planOf([frame, frame], [Promise.reject(denied)], { timeoutMs: Infinity })
  await plan.prepare()
  expect(plan.prepare()).toBe(frame)
  expect(unrecorded).not.toHaveBeenCalled()
  plan.confirmed()
  await plan.outcome
  expect(write).not.toHaveBeenCalled()
  expect(unrecorded.mock.calls).toEqual([[plan, denied]])
})

it('is over with the second of its two confirms, whichever comes first', async () => {
  for (const [first, second] of [
    ['recorded', 'confirmed'],
    ['confirmed', 'recorded'],
  ] as const) {
    const { plan, published } = planOf([frame])
    let isOver = false
    void plan.outcome.then(() => (isOver = true))
    expect(plan.isPending).toBe(true)
    plan[first]()
    expect(plan.isPending).toBe(first === 'confirmed')
    await Promise.resolve()
    expect(isOver).toBe(false)
    plan[second]()
    await plan.outcome
    expect(published.mock.calls).toEqual([[plan]])
  }
})

it('fails with its message, whatever becomes of the record', async () => {
  const { plan, published } = planOf([frame])
  const refused = new DuequeError('DESTINATION_MISSING', 'no queue', { destination: 'q' })
  plan.failed(refused)
  expect(await failure(plan.outcome)).toBe(refused)
  expect(published.mock.calls).toEqual([[plan, refused]])
  plan.recorded()
  plan.recorded(new Error('late'))
})

it('a record that fails leaves an unknown outcome, unless it is written again', async () => {
  const { plan, writesAgain } = planOf([frame])
  const lost = new DuequeError('PUBLISH_TIMEOUT', 'no answer', { waitedMs: 1 })
  writesAgain.mockReturnValueOnce(true)
  plan.confirmed()
  plan.recorded(lost)
  expect(plan.isPending).toBe(true)
  plan.recorded(lost)
  expect(await failure(plan.outcome)).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'unknown', cause: lost })
})

it('the first of an outcome and an abort counts', async () => {
  const { plan } = planOf([frame])
  plan.confirmed()
  plan.recorded(new DuequeError('ABORTED', 'aborted', { reason: 'enough' }))
  plan.recorded()
  expect(await failure(plan.outcome)).toMatchObject({ code: 'ABORTED' })
})
