import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { expect, it, onTestFinished, vi } from 'vitest'
import { DuequeError } from '../../../../src/base/errors.js'
import type { DelayedMessage } from '../../../../src/message/delayed-message.js'
import { BatchSender } from '../../../../src/schedule/batching/batch-sender.js'
import { rejection } from '../../thrown.js'
import { endOfTurn, itemsOf, messageOf, messagesOf, NOW, startSender } from './sent.js'

const KIB = 1024
const bytesOf = (bytes: number) => Buffer.alloc(bytes, 'x')

it('sends a full batch at once, and the rest at the end of the turn', async () => {
  const { sizes, sent, scheduleAll } = startSender()
  const messages = messagesOf(70)
  const all = scheduleAll(messages)
  expect(sizes()).toEqual([64])
  await endOfTurn()
  expect(sizes()).toEqual([64, 6])
  for (const { confirm } of sent) confirm()
  expect(await Promise.all(all)).toHaveLength(70)
  const items = sent.flatMap(({ message }) => itemsOf(message)!)
  expect(items.map(({ id, body }) => [id, String(body)])).toEqual(messages.map(({ id, body }) => [id, String(body)]))
  expect(sent.map(({ options }) => options.items)).toEqual([messages.slice(0, 64), messages.slice(64)])
})

it('sends a message without company as it is', async () => {
  const { sent, schedule } = startSender()
  const message = messageOf()
  const scheduled = schedule(message)
  expect(sent).toEqual([])
  await endOfTurn()
  expect(sent.map((one) => one.message)).toEqual([message])
  expect(sent[0]!.options.items).toBeUndefined()
  sent[0]!.confirm()
  await scheduled
})

it('joins only messages to one queue, with one priority, in one slot of time', async () => {
  const { sent, scheduleAll } = startSender()
  const other: Partial<DelayedMessage>[] = [
    {},
    { destination: { queue: 'other' } },
    { priority: 1 },
    { dueAt: NOW + 3_601_000 },
  ]
  void scheduleAll(other.flatMap((fields) => messagesOf(2, fields)))
  await endOfTurn()
  expect(
    sent.map(({ message }) =>
      itemsOf(message)!.map(({ destination, priority, dueAt }) => [destination, priority, dueAt]),
    ),
  ).toEqual(
    other.map(({ destination = { queue: 'q' }, priority, dueAt = NOW + 3_600_000 }) => [
      [destination, priority, dueAt],
      [destination, priority, dueAt],
    ]),
  )
})

/** The time by which a batch grows old, from 0 on. */
function stopTime() {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  onTestFinished(() => now.mockRestore())
  return (ms: number) => void now.mockReturnValue(ms)
}

it('lets messages gather while four batches are unconfirmed, and sends the fullest at a confirm', async () => {
  stopTime()
  const { sizes, sent, scheduleAll } = startSender()
  void scheduleAll(messagesOf(4 * 64))
  void scheduleAll([...messagesOf(2, { priority: 1 }), ...messagesOf(3, { priority: 2 })])
  await endOfTurn()
  expect(sizes()).toEqual([64, 64, 64, 64])
  sent[0]!.confirm()
  await endOfTurn()
  expect(sizes()).toEqual([64, 64, 64, 64, 3])
  sent[1]!.fail(new DuequeError('CLOSED', 'closed', {}))
  await endOfTurn()
  expect(sizes()).toEqual([64, 64, 64, 64, 3, 2])
})

it('sends a batch that is open for 25 ms at the next confirm, however many are unconfirmed', async () => {
  const setTime = stopTime()
  const { sizes, sent, scheduleAll } = startSender()
  void scheduleAll(messagesOf(6 * 64))
  void scheduleAll(messagesOf(2, { priority: 1 }))
  setTime(1)
  void scheduleAll(messagesOf(9, { priority: 2 }))
  setTime(24)
  sent[0]!.confirm()
  await endOfTurn()
  expect(sizes()).toEqual([64, 64, 64, 64, 64, 64])
  setTime(25)
  sent[1]!.confirm()
  await endOfTurn()
  expect(sizes()).toEqual([64, 64, 64, 64, 64, 64, 2])
})

it('keeps to the bytes of a batch, and to those of a body', async () => {
  const { sent, scheduleAll } = startSender()
  void scheduleAll(messagesOf(20, { body: bytesOf(7 * KIB) }))
  await endOfTurn()
  expect(sent.map(({ message: { body } }) => body.byteLength <= 64 * KIB)).not.toContain(false)
  expect(sent).toHaveLength(3)
  const small = startSender({ maxBodyBytes: 20 * KIB })
  void small.scheduleAll(messagesOf(4, { body: bytesOf(7 * KIB) }))
  await endOfTurn()
  expect(small.sizes()).toEqual([2, 2])
})

it('gives every message of a batch its error', async () => {
  const { sent, scheduleAll } = startSender()
  const all = scheduleAll(messagesOf(3))
  await endOfTurn()
  const error = new DuequeError('PUBLISH_TIMEOUT', 'late', { waitedMs: 1 }, { outcome: 'unknown' })
  sent[0]!.fail(error)
  for (const one of all) expect(await rejection(one)).toBe(error)
})

it('says what to do where no consumer takes batches', async () => {
  const { sent, schedule, scheduleAll } = startSender()
  const all = scheduleAll(messagesOf(2))
  await endOfTurn()
  const data = { destination: 'queue:q.batches' }
  sent[0]!.fail(new DuequeError('DESTINATION_MISSING', 'queue:q.batches does not exist', data))
  const error = await rejection(all[0]!)
  expect(error).toMatchObject({ code: 'DESTINATION_MISSING', data, outcome: 'refused' })
  expect((error as Error).message).toContain('consume "q" with { batches: true }')
  const alone = schedule(messageOf())
  await endOfTurn()
  const missing = new DuequeError('DESTINATION_MISSING', 'queue:q does not exist', { destination: 'queue:q' })
  sent[1]!.fail(missing)
  expect(await rejection(alone)).toBe(missing)
})

it.each(['MESSAGE_REFUSED', 'NOT_ENCODABLE', 'BODY_TOO_LARGE', 'RESERVED_NAME'] as const)(
  'sends the messages of a batch that is refused with %s one by one: the bad one alone fails',
  async (code) => {
    const { sent, scheduleAll } = startSender()
    const messages = messagesOf(5)
    const all = scheduleAll(messages)
    await endOfTurn()
    // RabbitMQ has answered to none of the attempts after which a message is proved to be poison.
    const outcome = code === 'MESSAGE_REFUSED' ? 'unknown' : 'refused'
    const error = new DuequeError(code, 'no', {}, { outcome })
    sent[0]!.fail(error)
    await endOfTurn()
    const singly = sent.slice(1)
    expect(singly.map(({ message }) => message)).toEqual(messages)
    singly[2]!.fail(error)
    for (const { confirm } of singly) confirm()
    const outcomes = await Promise.allSettled(all)
    expect(outcomes.map(({ status }) => status === 'rejected')).toEqual([false, false, true, false, false])
  },
)

it('does not send messages again that wait, if only their record is refused', async () => {
  const { sent, scheduleAll } = startSender()
  const all = scheduleAll(messagesOf(2))
  await endOfTurn()
  const error = new DuequeError('BODY_TOO_LARGE', 'record', { bytes: 2, maxBytes: 1 }, { outcome: 'unknown' })
  sent[0]!.fail(error)
  for (const one of all) expect(await rejection(one)).toBe(error)
  expect(sent).toHaveLength(1)
})

it('publishes in the context in which the run began', async () => {
  const context = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const schedule = () => {
    seen.push(context.getStore())
    return Promise.resolve()
  }
  const settings = { strategy: { schedule }, clock: { now: () => NOW }, maxBodyBytes: 1e6 }
  const sender = context.run('run', () => new BatchSender(settings))
  const call = (message: DelayedMessage) => context.run('item', () => sender.schedule(message, { declare: false }))
  await Promise.all(messagesOf(70).map(call))
  expect(seen).toEqual(['run', 'run'])
})

it('gives each message one outcome, that of the batch in which it went', async () => {
  const groups = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 90 }), priority: fc.nat(3), turns: fc.nat(2), fails: fc.boolean() }),
    { minLength: 1, maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(groups, async (given) => {
      const { sent, schedule } = startSender()
      const all: { message: DelayedMessage; outcome: Promise<unknown> }[] = []
      let settled = 0
      const settle = (fails: boolean) => {
        const one = sent[settled++]
        if (fails) one?.fail(one.message)
        else one?.confirm()
      }
      for (const { count, priority, turns, fails } of given) {
        for (const message of messagesOf(count, { priority })) {
          const outcome = schedule(message).then(
            () => undefined,
            (error: unknown) => error,
          )
          all.push({ message, outcome })
        }
        for (let i = 0; i < turns; i++) await endOfTurn()
        if (settled < sent.length) settle(fails)
      }
      for (let idle = 0; idle < 3; idle++) {
        await endOfTurn()
        for (; settled < sent.length; idle = 0) {
          settle(settled % 3 === 0)
          await endOfTurn()
        }
      }
      const carriers = new Map(
        sent.flatMap(({ message }) => (itemsOf(message) ?? [message]).map(({ id }) => [id, message] as const)),
      )
      expect(carriers.size).toBe(all.length)
      for (const { message, outcome } of all) expect([undefined, carriers.get(message.id)]).toContain(await outcome)
    }),
    { numRuns: 12 },
  )
})
