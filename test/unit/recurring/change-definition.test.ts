import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DuequeError } from '../../../src/base/errors.js'
import { silent } from '../../../src/base/logger.js'
import { defineMessage } from '../../../src/index.js'
import type { CancellationRecord } from '../../../src/cancellation/cancellation-record.js'
import { checkRecurring } from '../../../src/recurring/check-recurring.js'
import { encodeDefinition } from '../../../src/recurring/definition.js'
import { recurringMethods } from '../../../src/recurring/recurring-methods.js'
import type { RecurringParts } from '../../../src/recurring/recurring-parts.js'
import { replaces, type DefinitionRecord } from '../../../src/strategies/recurring-definitions.js'
import { rejection } from '../thrown.js'

const NOW = Date.UTC(2026, 2, 1, 12)
const message = defineMessage('report', z.number())
const minutely = { message, payload: 1, to: { queue: 'q' }, cron: '* * * * *' }

type Step = 'open ticks' | 'write' | 'cancel' | 'tick' | 'get'

/** The parts of a connection to a log, which fail at a step and note what they do. */
function world(marks: { failing?: { step: Step; outcome?: 'refused' | 'unknown' } } = {}) {
  const records = new Map<string, DefinitionRecord>()
  const [cancelled, ticks, steps]: [CancellationRecord[], string[], Step[]] = [[], [], []]
  const step = (name: Step) => {
    steps.push(name)
    const { failing } = marks
    if (failing?.step === name)
      throw new DuequeError('PUBLISH_TIMEOUT', name, { waitedMs: 1 }, { outcome: failing.outcome ?? 'unknown' })
  }
  const put = (record: DefinitionRecord) => {
    const before = records.get(record.id)
    if (replaces(record, before)) records.set(record.id, record)
    return before
  }
  const parts = {
    strategy: {
      name: 'log',
      limits: { maxDelayMs: Infinity },
      definitions: {
        write: async (record: DefinitionRecord) => {
          const before = marks.failing?.outcome === 'refused' ? undefined : put(record)
          await Promise.resolve(step('write'))
          return before
        },
        get: async (id: string) => {
          await Promise.resolve(step('get'))
          const record = records.get(id)
          return record?.definition === undefined ? undefined : record
        },
      },
      cancellations: {
        write: async (one: CancellationRecord) => Promise.resolve(step('cancel')).then(() => void cancelled.push(one)),
      },
      schedule: async ({ id }: { id: string }) => Promise.resolve(step('tick')).then(() => void ticks.push(id)),
    },
    queue: 'dueque.v1.ticks',
    now: () => NOW,
    logger: silent,
    destination: () => Promise.resolve(),
    openTicks: async () => Promise.resolve(step('open ticks')),
    send: () => Promise.reject(new Error('not sent')),
    unfinished: new Map(),
  } as unknown as RecurringParts
  return { parts, records, put, cancelled, ticks, steps, marks, ...recurringMethods(parts) }
}

/** The minutes after noon of the times that records name, each once. */
const minutes = (records: readonly CancellationRecord[]) => {
  const all = records.map(({ id }) => (Date.parse(id.slice(id.indexOf('@') + 1)) - NOW) / 60_000)
  return [...new Set(all)].sort((x, y) => x - y)
}

describe('a change of a schedule', () => {
  it('is written, cancels later occurrences of the former definition, and sends the first tick, in this order', async () => {
    const { set, steps, cancelled, ticks } = world()
    await set('x', minutely)
    // Nothing of a new one can wait.
    expect(steps).toEqual(['get', 'open ticks', 'write', 'tick'])
    steps.length = 0
    const { revision } = await set('x', { ...minutely, payload: 2 })
    expect(steps.filter((one, i) => one !== steps[i - 1])).toEqual(['get', 'open ticks', 'write', 'cancel', 'tick'])
    expect(ticks).toEqual(['x@2026-03-01T12:01:00.000Z#tick', 'x@2026-03-01T12:01:00.000Z#tick'])
    expect(minutes(cancelled)).toEqual([1, 2, 3, 4, 5, 6])
    expect(cancelled[0]).toEqual({ id: 'x@2026-03-01T12:01:00.000Z', keep: revision, due: NOW + 60_000 })
  })

  it('counts its limit from when it is written, however long the checks took', async () => {
    const { parts, set, records, ticks } = world()
    let now = NOW
    Object.assign(parts, { now: () => now, destination: () => Promise.resolve(void (now += 150_000)) })
    await set('x', { ...minutely, limit: 3 })
    expect(ticks).toEqual(['x@2026-03-01T12:03:00.000Z#tick'])
    expect(JSON.parse(records.get('x')!.definition!)).toMatchObject({ endsAt: NOW + 5 * 60_000 })
  })

  it('of its state alone keeps what a later version has added to it', async () => {
    const { set, pause, records } = world()
    const present = () => JSON.parse(records.get('x')!.definition!) as object
    await set('x', { ...minutely, limit: 5 })
    const { id, revision } = records.get('x')!
    records.set('x', { id, revision, definition: JSON.stringify({ ...present(), later: [1] }) })
    await pause('x')
    expect(present()).toMatchObject({ later: [1], paused: true })
    expect(present()).not.toHaveProperty('endsAt')
    await set('x', { ...minutely, limit: 5, paused: false })
    expect(present()).toMatchObject({ later: [1], paused: false })
    await set('x', { ...minutely, limit: 6 })
    expect(present()).not.toHaveProperty('later')
  })

  it('by a pause or a removal cancels the waiting occurrences, and sends no tick', async () => {
    const { set, pause, remove, resume, cancelled, ticks, records } = world()
    await set('x', { ...minutely, jitter: '2m' })
    ticks.length = cancelled.length = 0
    await pause('x')
    expect(minutes(cancelled)).toEqual([-2, -1, 0, 1, 2, 3, 4, 5, 6])
    expect(cancelled.every(({ keep }) => keep === records.get('x')!.revision)).toBe(true)
    await resume('x')
    cancelled.length = 0
    await remove('x')
    expect(cancelled.every(({ upTo }) => upTo === records.get('x')!.revision)).toBe(true)
    expect(ticks).toHaveLength(1)
  })

  it('cancels the occurrences of the definition that it replaced, which it did not read before', async () => {
    const { parts, records, set, remove, put, cancelled } = world()
    await set('x', { ...minutely, cron: '1 * * * *' })
    const between = await checkRecurring('x', { ...minutely, cron: '4-5 * * * *' }, NOW)
    const write = parts.strategy.definitions.write.bind(parts.strategy.definitions)
    parts.strategy.definitions.write = async (record) => {
      put(encodeDefinition({ ...between, revision: records.get('x')!.revision + 0.5 }))
      return write(record)
    }
    await remove('x')
    expect(minutes(cancelled)).toEqual([1, 4, 5])
  })

  it.each([0, 1])(
    'that another process overtakes does nothing, and answers with the other one (paused: %s)',
    async (paused) => {
      const { parts, set, put, cancelled, ticks } = world()
      const other = await checkRecurring('x', { ...minutely, cron: '30 * * * *', paused: paused === 1 }, NOW)
      const write = parts.strategy.definitions.write.bind(parts.strategy.definitions)
      const revision = 9e15
      parts.strategy.definitions.write = async (record) => {
        put(encodeDefinition({ ...other, revision }))
        return write(record)
      }
      expect(await set('x', minutely)).toMatchObject({ cron: '30 * * * *', revision, changed: true })
      expect([ticks, cancelled]).toEqual([[], []])
    },
  )

  it('goes beyond the removal by a process whose clock is ahead', async () => {
    const { parts, set, records, ticks } = world()
    // This process may have given out greater revisions than that of now.
    const { revision: last } = await set('y', minutely)
    Object.assign(parts, { now: () => Math.floor(last / 1000) })
    const revision = last + 3_600_000_000
    records.set('x', { id: 'x', revision, definition: undefined })
    expect(await set('x', minutely)).toMatchObject({ changed: true, revision: revision + 1 })
    expect(records.get('x')).toMatchObject({ revision: revision + 1 })
    expect(ticks).toHaveLength(2)
  })
})

describe('a change that fails', () => {
  it.each<[Step, 'refused' | 'unknown', 'refused' | 'unknown']>([
    ['open ticks', 'unknown', 'refused'],
    ['write', 'refused', 'refused'],
    ['write', 'unknown', 'unknown'],
    ['cancel', 'refused', 'unknown'],
    ['tick', 'refused', 'unknown'],
  ])(
    'at the step "%s" with the outcome %s has the outcome %s, and is repeated as a whole',
    async (step, outcome, told) => {
      const { set, marks, ticks, cancelled, steps } = world()
      await set('x', { ...minutely, payload: 0 })
      marks.failing = { step, outcome }
      expect(await rejection(set('x', minutely))).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: told })
      delete marks.failing
      ticks.length = cancelled.length = steps.length = 0
      await set('x', minutely)
      expect([ticks.length, minutes(cancelled)]).toEqual([1, [1, 2, 3, 4, 5, 6]])
      steps.length = 0
      expect(await set('x', minutely)).toMatchObject({ changed: false })
      expect(steps).toEqual(['get', 'open ticks', 'tick'])
    },
  )

  it('is repeated as a whole also if an earlier one of its process ends behind it', async () => {
    const { parts, set, marks, ticks } = world()
    const { strategy } = parts
    const schedule = strategy.schedule.bind(strategy)
    const later = { ...minutely, cron: '30 * * * *' }
    let sends = 0
    strategy.schedule = async (...tick) => {
      // The last step of the earlier one.
      if (++sends === 1) {
        marks.failing = { step: 'tick' }
        expect(await rejection(set('x', later))).toMatchObject({ outcome: 'unknown' })
        delete marks.failing
      }
      return schedule(...tick)
    }
    await set('x', minutely)
    ticks.length = 0
    await set('x', later)
    expect(ticks).toEqual(['x@2026-03-01T12:30:00.000Z#tick'])
  })

  it('by the end of its process before the first tick is finished by a call that changes nothing', async () => {
    const { parts, set, resume, marks, ticks, steps } = world({ failing: { step: 'tick' } })
    /** The clock of another process, which sets schedules that it knows nothing of. */
    let now = NOW
    Object.assign(parts, {
      now: () => now,
      unfinished: { has: () => false, set: () => undefined, get: () => undefined },
    })
    const schedules = { minutely, monthly: { ...minutely, cron: '0 8 1 * *' } }
    for (const [id, options] of Object.entries(schedules)) await rejection(set(id, options))
    delete marks.failing
    now += 30_000
    steps.length = 0
    for (const [id, options] of Object.entries(schedules))
      expect(await set(id, options)).toMatchObject({ changed: false })
    expect(await resume('minutely')).toBe(true)
    // A tick that is due later is sent by a repair before that.
    const tick = 'minutely@2026-03-01T12:01:00.000Z#tick'
    expect([ticks, steps.filter((step) => step === 'write' || step === 'cancel')]).toEqual([[tick, tick], []])
    // It changes nothing, whatever fails.
    marks.failing = { step: 'open ticks' }
    expect(await set('minutely', minutely)).toMatchObject({ changed: false })
    delete marks.failing
    now += 2 * 3_600_000
    await set('minutely', minutely)
    expect(ticks).toHaveLength(2)
  })

  it('to remove a schedule half-way is finished by a second removal', async () => {
    const { set, remove, marks, cancelled } = world()
    await set('x', minutely)
    marks.failing = { step: 'cancel' }
    expect(await rejection(remove('x'))).toMatchObject({ outcome: 'unknown' })
    delete marks.failing
    cancelled.length = 0
    expect(await remove('x')).toBe(true)
    expect(cancelled.length).toBeGreaterThan(0)
    expect(await remove('x')).toBe(false)
  })
})

it('a schedule that a clock more than a day ahead has removed is a conflict', async () => {
  const { set, records } = world()
  records.set('x', { id: 'x', revision: Number.MAX_SAFE_INTEGER, definition: undefined })
  expect(await rejection(set('x', minutely))).toMatchObject({ code: 'CONFLICT', outcome: 'refused', data: { id: 'x' } })
})

describe('a definition of a clock that is years ahead', () => {
  const ahead = Date.UTC(2200, 0) * 1000
  const setAhead = async (revision: number) => {
    const one = world()
    await one.set('x', minutely)
    one.records.set('x', { ...one.records.get('x')!, revision })
    return one
  }

  it('can be changed and removed, and no other revision of this process follows its own', async () => {
    const { set, pause, remove, records } = await setAhead(ahead)
    expect(await set('x', { ...minutely, payload: 2 })).toMatchObject({ revision: ahead + 1 })
    expect(await pause('x')).toBe(true)
    expect(await remove('x')).toBe(true)
    expect(records.get('x')).toEqual({ id: 'x', revision: ahead + 3, definition: undefined })
    expect((await set('y', minutely)).revision).toBeLessThan(ahead)
  })

  it('is a conflict with the greatest revision, which no other can follow', async () => {
    const { set, pause, remove, trigger, backfill, cancelled, steps } = await setAhead(Number.MAX_SAFE_INTEGER)
    steps.length = 0
    const past = { from: new Date(NOW - 60_000), to: new Date(NOW) }
    const calls = [() => set('x', { ...minutely, payload: 2 }), () => pause('x'), () => remove('x')]
    for (const call of [...calls, () => trigger('x'), () => backfill('x', past)])
      expect(await rejection(call())).toMatchObject({ code: 'CONFLICT', outcome: 'refused', data: { id: 'x' } })
    expect([cancelled, new Set(steps)]).toEqual([[], new Set(['get'])])
  })
})
