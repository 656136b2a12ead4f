import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { testDueque } from 'dueque/testing'
import { bookAppointment, queue, startReminding } from './appointments.js'

const appointment = { id: 'a-42', patient: 'p-7', room: '2b', at: new Date('2026-11-30T09:00:00Z') }

void test('a patient is reminded a day before', async () => {
  const { mq, clock, waiting } = await testDueque({ now: '2026-11-23T09:00:00Z', queues: [queue] })
  const send = mock.fn(() => Promise.resolve())
  await startReminding(mq, send)

  await bookAppointment(mq, appointment)
  const [reminder] = waiting()
  assert.deepEqual(reminder?.payload, { patient: 'p-7', room: '2b' })
  assert.deepEqual(reminder.dueAt, new Date('2026-11-29T09:00:00Z'))

  await clock.advanceTo('2026-11-29T08:59:59.999Z')
  assert.equal(send.mock.callCount(), 0)
  await clock.advance(1)
  assert.deepEqual(
    send.mock.calls.map((call) => call.arguments),
    [['p-7', 'Tomorrow, in room 2b']],
  )
})

void test('Date goes along with the clock', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] })
  const { mq, clock } = await testDueque({
    now: '2026-11-23T09:00:00Z',
    queues: [queue],
    setSystemTime: (now) => t.mock.timers.setTime(now),
  })
  const sentAt: Date[] = []
  await startReminding(mq, () => Promise.resolve(void sentAt.push(new Date())))
  await bookAppointment(mq, appointment)
  await clock.advance('30d')
  assert.deepEqual(sentAt, [new Date('2026-11-29T09:00:00Z')])
})
