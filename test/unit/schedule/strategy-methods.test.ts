import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { DuequeError } from '../../../src/base/errors.js'
import type { CancellationRecord } from '../../../src/cancellation/cancellation-record.js'
import { defineMessage } from '../../../src/message/definition.js'
import type { Receipt } from '../../../src/message/receipt.js'
import { connect, memory } from '../../../src/index.js'
import { nextRevision } from '../../../src/schedule/revision.js'
import type { Instead } from '../../../src/schedule/scheduler.js'
import { strategyMethods } from '../../../src/schedule/strategy-methods.js'
import type { Cancellations } from '../../../src/strategies/cancellations.js'
import type { ScheduleItem } from '../../../src/dueque.js'
import type { Destination } from '../../../src/message/destination.js'
import type { Due } from '../../../src/message/due.js'
import { rejection } from '../thrown.js'
import { MemoryWaitlist } from '../../../src/strategies/memory/memory-waitlist.js'

const common = { name: 'fake', limits: { maxDelayMs: 1000, orderMs: 0, leadMs: 0 } }
const NOW = Date.UTC(2026, 10, 23, 9)
const settings = {
  now: () => NOW,
  marginMs: 1000,
  schedule: () => Promise.reject(new Error('not scheduled')),
  scheduleCopy: () => Promise.reject(new Error('not scheduled')),
  onCancelled: () => undefined,
}
const receipt = (inMs: number) => ({
  id: 'x',
  revision: 7,
  dueAt: new Date(NOW + inMs).toISOString(),
  destination: { queue: 'q' },
})

const job = defineMessage('job', z.number())
const content = { message: job, payload: 1 }

describe('the methods of a strategy', () => {
  it('do not exist without a facet', () => {
    expect(Object.keys(strategyMethods(common, settings) as object)).toEqual([])
  })

  it('are complete with a waitlist, also beside a log of cancellations', async () => {
    const waitlist = new MemoryWaitlist(() => undefined)
    const methods = strategyMethods({ ...common, waitlist }, settings)
    expect(Object.keys(methods)).toEqual(expect.arrayContaining(['cancel', 'count', 'get', 'list', 'reschedule']))
    expect(await methods.cancel('x')).toBe('not-waiting')
    const both = strategyMethods({ ...common, waitlist, cancellations: log().facet }, settings)
    expect(await both.cancel('x')).toBe('not-waiting')
  })

  it('with a log of cancellations, cancel answers by the time that is left', async () => {
    const { facet, written } = log()
    const methods = strategyMethods({ ...common, cancellations: facet }, settings)
    expect(await methods.cancel(receipt(1000))).toBe('cancelled')
    expect(await methods.cancel(receipt(999))).toBe('too-late')
    expect(await methods.cancel({ id: 'x', dueAt: receipt(1000).dueAt })).toBe('cancelled')
    expect(await methods.cancel({ id: 'x' })).toBe('unknown')
    expect(await methods.cancel('x')).toBe('unknown')
    const upTo = expect.any(Number) as number
    expect(written).toEqual([
      { id: 'x', revision: 7, due: NOW + 1000 },
      { id: 'x', revision: 7, due: NOW + 999 },
      { id: 'x', upTo, due: NOW + 1000 },
      { id: 'x', upTo, due: undefined },
      { id: 'x', upTo, due: undefined },
    ])
  })

  it('refuse a target that is neither a receipt nor an id, with each facet', async () => {
    const exact = strategyMethods({ ...common, waitlist: new MemoryWaitlist(() => undefined) }, settings)
    const logged = strategyMethods({ ...common, cancellations: log().facet }, settings)
    for (const methods of [exact, logged]) {
      for (const target of ['', undefined, {}, { id: '', revision: 1 }, { id: 'x', revision: '1' }])
        expect(await methods.cancel(target as never).catch((error: unknown) => error)).toMatchObject({
          code: 'INVALID_OPTION',
        })
    }
  })
})

describe('reschedule with a log of cancellations', () => {
  /** Notes what is scheduled and written, in that order. */
  function world(write: () => Promise<void> = () => Promise.resolve()) {
    const steps: unknown[] = []
    const facet: Cancellations = {
      write(record) {
        steps.push(record)
        return write()
      },
    }
    const schedule = vi.fn(async (item: ScheduleItem<never>, { leastRevision, ready }: Instead): Promise<Receipt> => {
      await ready()
      const { id, to, at } = item.options as { id: string; to: Destination; at?: Date }
      const revision = nextRevision(NOW, leastRevision)
      const receipt = { id, dueAt: (at ?? new Date(NOW)).toISOString(), revision, destination: to }
      steps.push(receipt)
      return receipt
    })
    const onCancelled = vi.fn()
    const methods = strategyMethods({ ...common, cancellations: facet }, { ...settings, schedule, onCancelled })
    return { methods, steps, schedule, onCancelled }
  }
  const at = (inMs: number) => ({ at: new Date(NOW + inMs) })

  it('schedules first, and then cancels every smaller revision until the later of both due times', async () => {
    const { methods, steps, onCancelled } = world()
    const { replaced, ...later } = (await methods.reschedule(receipt(1000), at(5000), content))!
    const sooner = (await methods.reschedule(receipt(5000), at(500), content))!
    expect([replaced, sooner.replaced]).toEqual(['cancelled', 'cancelled'])
    expect(later).toMatchObject({ id: 'x', destination: { queue: 'q' } })
    expect(steps).toEqual([
      later,
      { id: 'x', keep: later.revision, due: NOW + 5000 },
      expect.objectContaining({ revision: sooner.revision }),
      { id: 'x', keep: sooner.revision, due: NOW + 5000 },
    ])
    expect(onCancelled.mock.calls).toEqual([
      ['x', 'cancelled'],
      ['x', 'cancelled'],
    ])
  })

  it('answers by the old due time, and without one the record lives for 30 days, or until the new due time', async () => {
    const { methods, steps } = world()
    const to = { ...content, options: { to: { queue: 'q' } } }
    const answers = await Promise.all([
      methods.reschedule(receipt(999), at(60_000), content),
      methods.reschedule(receipt(-5), at(-9), content),
      methods.reschedule('x', at(60_000), to),
      methods.reschedule({ id: 'x' }, at(31 * 86_400_000), to),
      methods.reschedule({ id: 'x', dueAt: new Date(-5) }, { at: new Date(-9) }, to),
    ])
    expect(answers.map((one) => one!.replaced)).toEqual(['too-late', 'too-late', 'unknown', 'unknown', 'too-late'])
    const records = steps.filter((step) => 'keep' in (step as object)) as CancellationRecord[]
    expect(records.map(({ due }) => due)).toEqual([NOW + 60_000, NOW - 5, undefined, NOW + 31 * 86_400_000, 0])
  })

  it('gives the new schedule a greater revision than the old one, whose clock may be ahead', async () => {
    const { methods } = world()
    const ahead = { ...receipt(9000), revision: (NOW + 60_000) * 1000 }
    const moved = (await methods.reschedule(ahead, at(1), content))!
    expect(moved.revision).toBeGreaterThan(ahead.revision)
  })

  it.each([2 ** 53 - 1, (NOW + 3650 * 86_400_000) * 1000])('refuses the forged revision %d', async (revision) => {
    const { methods, steps } = world()
    expect(await rejection(methods.reschedule({ ...receipt(9000), revision }, at(1), content))).toMatchObject({
      data: { option: 'target.revision' },
    })
    expect(steps).toEqual([])
  })

  it('writes no record if the schedule fails', async () => {
    const { methods, steps, schedule, onCancelled } = world()
    const error = new DuequeError('PUBLISH_TIMEOUT', 'late', { waitedMs: 1 }, { outcome: 'unknown' })
    schedule.mockRejectedValueOnce(error)
    expect(await rejection(methods.reschedule(receipt(9000), at(1), content))).toBe(error)
    expect([steps, onCancelled.mock.calls]).toEqual([[], []])
  })

  it('schedules nothing if no record can be written, and then nothing is left open', async () => {
    const { steps, schedule } = world()
    const cause = new DuequeError('PUBLISH_TIMEOUT', 'late', { waitedMs: 1 }, { outcome: 'unknown' })
    const facet = { write: () => Promise.resolve(), ready: () => Promise.reject(cause) }
    const methods = strategyMethods({ ...common, cancellations: facet }, { ...settings, schedule })
    const error = await rejection(methods.reschedule(receipt(9000), at(1), content))
    expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', message: 'late', outcome: 'refused', receipt: undefined })
    expect(steps).toEqual([])
  })

  it('asks whether records can be written only when the new message is known to be right', async () => {
    const strategy = memory({ cancellations: 'log' })
    const ready = vi.fn(() => Promise.resolve())
    Object.assign(strategy.cancellations, { ready })
    const mq = await connect({ strategy })
    const to = { queue: 'q' }
    const refused = { ...content, payload: 'no number' as never, options: { to } }
    expect(await rejection(mq.reschedule('x', { in: 1 }, refused))).toMatchObject({ code: 'INVALID_PAYLOAD' })
    const far = mq.reschedule('x', { in: '3651d' }, { ...content, options: { to } })
    expect(await rejection(far)).toMatchObject({ code: 'DELAY_OUT_OF_RANGE' })
    expect(ready).not.toHaveBeenCalled()
    await mq.reschedule('x', { in: 1 }, { ...content, options: { to, declare: true } })
    expect(ready).toHaveBeenCalledOnce()
    await mq.close()
  })

  it('a record that cannot be written is an error with the new receipt, and both may be delivered', async () => {
    const cause = new DuequeError('PERMISSION_DENIED', 'no right', { permission: 'write', resource: 'e' })
    const { methods, steps, onCancelled } = world(() => Promise.reject(cause))
    const error = await rejection(methods.reschedule(receipt(9000), at(1), content))
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', outcome: 'unknown', receipt: steps[0], cause })
    expect(error.message).toMatch(/both may be delivered.*Repeat the call with the same target and due time.*no right/)
    expect(onCancelled).not.toHaveBeenCalled()
  })

  it.each<[unknown, unknown, unknown, string]>([
    [receipt(1), at(1), undefined, 'content'],
    [receipt(1), at(1), { ...content, to: 'q' }, 'content.to'],
    [receipt(1), at(1), { payload: 1 }, 'content.message'],
    [receipt(1), at(1), { ...content, options: { in: 5 } }, 'content.options.in'],
    [receipt(1), at(1), { ...content, options: { id: 'y' } }, 'content.options.id'],
    [receipt(1), at(1), { ...content, options: { onConflict: 'replace' } }, 'content.options.onConflict'],
    [receipt(1), { ...at(1), id: 'y' }, content, 'due.id'],
    [{ id: 'x' }, at(1), content, 'content.options.to'],
    [{ ...receipt(1), revision: -1 }, at(1), content, 'target'],
  ])('%j %j %j is refused before anything is sent', async (target, due, given, option) => {
    const { methods, steps } = world()
    const refused = await rejection(methods.reschedule(target as Receipt, due as Due, given as never))
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
    expect(steps).toEqual([])
  })
})

describe('revisions', () => {
  it('a schedule after a cancellation by id is never concerned, within a millisecond and whatever was before', async () => {
    const { facet, written } = log()
    const methods = strategyMethods({ ...common, cancellations: facet }, settings)
    for (let i = 0; i < 2000; i++) {
      const before = nextRevision(NOW)
      await methods.cancel('x')
      const { upTo } = written.at(-1)!
      expect(upTo).toBeGreaterThanOrEqual(before)
      expect(nextRevision(NOW)).toBeGreaterThan(upTo!)
    }
  })
})

function log(): { facet: Cancellations; written: CancellationRecord[] } {
  const written: CancellationRecord[] = []
  const write = (record: CancellationRecord) => {
    written.push(record)
    return Promise.resolve()
  }
  return { written, facet: { write } }
}
