import { describe, expect, it } from 'vitest'
import { DuequeError } from '../../../src/base/errors.js'
import type { DelayedMessage } from '../../../src/message/delayed-message.js'
import type { Destination } from '../../../src/message/destination.js'
import type { Due } from '../../../src/message/due.js'
import type { Receipt } from '../../../src/message/receipt.js'
import { copied, firstReceipt, latestOf } from '../../../src/schedule/journalled-copies.js'
import { memoryView } from '../../../src/strategies/memory/memory-view.js'
import type { JournalledMessage } from '../../../src/strategies/waiting-view.js'
import { rejection, thrown } from '../thrown.js'

function entry(revision: number, attempt: number, destination: Destination, body?: Uint8Array): JournalledMessage {
  return {
    ...{
      id: 'x',
      name: 'job',
      version: 1,
      body,
      destination,
      dueAt: 5,
      scheduledAt: 0,
      revision,
      attempt,
      headers: {},
    },
    ...{ expiresAt: undefined, priority: undefined, correlationId: undefined, dedupeKey: undefined },
  }
}

const body = Buffer.from('1')

describe('a message that is rescheduled with the content of a journal', () => {
  const NOW = Date.UTC(2026, 10, 23, 9)
  const target = { id: 'x', revision: undefined, dueAt: undefined, destination: undefined }
  const limits = { maxDelayMs: 10_000_000, orderMs: 0, leadMs: 0 }
  /** What is copied, and to what. */
  function world(entries: readonly JournalledMessage[]) {
    const copies: unknown[] = []
    const copy = ({ attempt }: DelayedMessage, { revision, dueAt }: { revision: number; dueAt: number }) => {
      copies.push({ attempt, dueAt })
      return Promise.resolve({ id: 'x', dueAt: '', revision, destination: { queue: 'q' } })
    }
    const reschedule = (due: Due, dueAt?: number) =>
      copied({ journal: memoryView(() => entries), limits }, { ...target, dueAt }, due, { now: () => NOW, copy })
    return { copies, reschedule }
  }
  const retry = { ...entry(NOW * 1000, 2, { queue: 'q' }, body), dueAt: NOW - 5, retryAt: NOW + 9000 }
  const later = { ...entry(NOW * 1000 - 1, 1, { queue: 'q' }, body), dueAt: NOW + 20_000 }

  it('tells when the first and the last of the messages before would be handed over', async () => {
    const { copies, reschedule } = world([later, retry])
    expect(await reschedule({ in: 500 })).toMatchObject({ firstDue: NOW + 9000, lastDue: NOW + 20_000 })
    expect(await reschedule({ in: 0 }, NOW + 30_000)).toMatchObject({ lastDue: NOW + 30_000 })
    expect(copies).toEqual([500, 0].map((ms) => ({ attempt: 2, dueAt: NOW + ms })))
  })

  it('gets a revision after its own, whose producer may have a clock that is ahead', async () => {
    const ahead = { ...retry, revision: (NOW + 60_000) * 1000 }
    const { reschedule } = world([ahead])
    expect((await reschedule({ in: 500 }))!.receipt.revision).toBeGreaterThan(ahead.revision)
  })

  it('is refused with a forged revision, or a due time that is none, also if nothing waits', async () => {
    const { copies, reschedule } = world([{ ...retry, revision: 2 ** 53 - 1 }])
    expect((await rejection(reschedule({ in: 1 }))).data).toEqual({ option: 'target.revision' })
    expect((await rejection(reschedule({ in: limits.maxDelayMs + 1 }))).code).toBe('DELAY_OUT_OF_RANGE')
    expect((await rejection(world([]).reschedule({ in: -1 }))).code).toBe('INVALID_DUE')
    expect([copies, await world([]).reschedule({ in: 1 })]).toEqual([[], undefined])
  })
})

describe('the messages that are copied', () => {
  it('are those of the latest revision, the last attempt for each destination', () => {
    const [a, b] = [{ queue: 'a' }, { queue: 'b' }]
    const found = [entry(9, 3, a, body), entry(9, 2, a, body), entry(9, 2, b, body), entry(8, 1, a, body)]
    expect(latestOf(found)).toEqual([found[0], found[2]])
    expect(latestOf([found[1]!, found[2]!, found[0]!])).toEqual([found[0], found[2]])
  })

  it('are told apart by the routing key of an exchange', () => {
    const to = (routingKey: string) => entry(1, 1, { exchange: 'e', routingKey }, body)
    expect(latestOf([to('k'), to('l'), to('k')])).toHaveLength(2)
  })

  it('need a body: without one, the caller has to give the content', () => {
    const error = thrown(() => latestOf([entry(9, 1, { queue: 'a' })]))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'content' }, outcome: 'refused' })
    expect(error.message).toContain('the journal keeps no bodies')
    // An empty one is a body.
    expect(latestOf([entry(9, 1, { queue: 'a' }, Buffer.alloc(0))])).toHaveLength(1)
  })
})

describe('the outcome of several copies', () => {
  const receipt = (n: number): Receipt => ({ id: 'x', dueAt: '', revision: n, destination: { queue: 'q' } })
  const failed = (outcome: 'refused' | 'unknown') =>
    Promise.reject<Receipt>(new DuequeError('CLOSED', outcome, {}, { outcome }))

  it('is the first receipt if all wait', async () => {
    expect(await firstReceipt([receipt(1), receipt(2)].map((one) => Promise.resolve(one)))).toEqual(receipt(1))
  })

  it('is the error of one that is alone', async () => {
    expect(await rejection(firstReceipt([failed('refused')]))).toMatchObject({ outcome: 'refused', receipt: undefined })
  })

  it('is unknown if some wait and others do not, with a receipt of those that wait', async () => {
    const error = await rejection(firstReceipt([failed('refused'), Promise.resolve(receipt(2))]))
    expect(error).toMatchObject({ outcome: 'unknown', receipt: receipt(2) })
  })

  it('is unknown if that of any copy is', async () => {
    expect(await rejection(firstReceipt([failed('refused'), failed('unknown')]))).toMatchObject({ outcome: 'unknown' })
  })
})
