import { expect, test } from 'vitest'
import { connect, ladder } from '../../src/index.js'
import { useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { Recorder, note, unique } from '../strategies/recorder.js'

const vhost = useVhost()

test('close waits for schedules in flight, including those that still wait for a declaration', async () => {
  const queue = unique('close')
  const mq = await connect({ url: vhost.url, maxInFlight: 5 })
  const delays = Array.from({ length: 60 }, (_, i) => 600 + i * 50)
  const scheduled = delays.map((delay, n) => mq.schedule(note, { n }, { to: { queue }, in: delay, declare: true }))
  await new Promise(setImmediate)
  await mq.close()
  await Promise.all(scheduled)
  const recorder = await Recorder.on(await open(vhost.url), queue)
  await recorder.has(60)
  expect(recorder.early).toEqual([])
})

test('a strategy that is in use is refused, and its connection goes on', async () => {
  const queue = unique('in-use')
  const strategy = ladder()
  const mq = await open(vhost.url, { strategy })
  await expect(connect({ url: vhost.url, strategy })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0, declare: true })
  await mq.close()
  const again = await open(vhost.url, { strategy })
  await again.schedule(note, { n: 2 }, { to: { queue }, in: 0 })
})
