import { testDueque } from 'dueque/testing'
import { expect, test, vi } from 'vitest'
import { bookAppointment, queue, startReminding } from './appointments.js'

const appointment = { id: 'a-42', patient: 'p-7', room: '2b', at: new Date('2026-11-30T09:00:00Z') }

test('a patient is reminded a day before', async () => {
  const { mq, clock, waiting } = await testDueque({ now: '2026-11-23T09:00:00Z', queues: [queue] })
  const send = vi.fn(() => Promise.resolve())
  await startReminding(mq, send)

  await bookAppointment(mq, appointment)
  expect(waiting()).toMatchObject([
    { name: 'appointment.reminder', payload: { patient: 'p-7', room: '2b' }, dueAt: new Date('2026-11-29T09:00:00Z') },
  ])

  await clock.advanceTo('2026-11-29T08:59:59.999Z')
  expect(send).not.toHaveBeenCalled()
  await clock.advance(1)
  expect(send).toHaveBeenCalledExactlyOnceWith('p-7', 'Tomorrow, in room 2b')
})

test('a message that cannot be sent is tried again after a minute and an hour, and then given up', async () => {
  const { mq, clock, delivered, dead } = await testDueque({ now: '2026-11-23T09:00:00Z', queues: [queue] })
  await startReminding(mq, () => Promise.reject(new Error('no network')))

  await bookAppointment(mq, appointment)
  await clock.advance('7d')
  expect(delivered().map(({ at }) => at.toISOString())).toEqual([
    '2026-11-29T09:00:00.000Z',
    '2026-11-29T09:01:00.000Z',
    '2026-11-29T10:01:00.000Z',
  ])
  expect(dead(queue)).toMatchObject([{ id: 'a-42/24h', reason: 'handler-error', error: 'no network', attempt: 3 }])
})
