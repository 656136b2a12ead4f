import { expect, it, vi } from 'vitest'
import type { Frame } from '../../../../src/amqp/publish/frame-builder.js'
import { RecordedPlan } from '../../../../src/journal/writing/recorded-plan.js'
import { failure } from '../../../support/mq.js'

const frame = { exchange: 'entry', routingKey: 'q', options: {} }

/** A plan that returns these one after another, in front of a stream that is ready at these attempts. */
function planOf(prepared: (Frame | Promise<void>)[], ready: (Promise<void> | undefined)[] = []) {
  const entry = { written: 1, confirmed: Promise.resolve() }
  const write = vi.fn(() => entry)
  const inner = { prepare: () => prepared.shift()!, safeAt: () => 42 }
  return { plan: new RecordedPlan(inner, () => ready.shift(), write), write, entry }
}

it('writes the record once, as the message first goes out', async () => {
  const { plan, write, entry } = planOf([Promise.resolve(), frame, frame])
  await plan.prepare()
  expect(write).not.toHaveBeenCalled()
  expect(plan.entry).toBeUndefined()
  expect(plan.prepare()).toBe(frame)
  expect(plan.prepare()).toBe(frame)
  expect(write).toHaveBeenCalledTimes(1)
  expect(plan.entry).toBe(entry)
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
