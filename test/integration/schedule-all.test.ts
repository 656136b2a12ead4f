import { expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { Recorder, note, unique } from '../strategies/recorder.js'

const vhost = useVhost()

test('schedules a stream, names each outcome once, and is not stopped by a bad item', async () => {
  const queue = unique('all')
  const mq = await open(vhost.url)
  const recorder = await Recorder.on(mq, queue, { prefetch: 1000, concurrency: 100 })
  async function* items() {
    for (let n = 0; n < 3000; n++) {
      if (n % 1000 === 0) await Promise.resolve()
      const bad = n % 500 === 7
      yield {
        message: note,
        payload: { n: bad ? ('no number' as never) : n },
        options: { to: { queue }, in: 50 + (n % 20) * 10 },
      }
    }
  }
  const seen = new Set<number>()
  const failed: number[] = []
  for await (const { index, error } of mq.scheduleAll(items())) {
    expect(seen.has(index)).toBe(false)
    seen.add(index)
    if (error) failed.push(index)
  }
  expect(seen.size).toBe(3000)
  expect(failed.toSorted((a, b) => a - b)).toEqual([7, 507, 1007, 1507, 2007, 2507])
  await recorder.has(2994)
  expect(recorder.early).toEqual([])
  expect(new Set(recorder.numbers).size).toBe(2994)
})

test('stops reading its source when the caller stops reading it', async () => {
  const queue = unique('stop')
  const mq = await open(vhost.url, { maxInFlight: 10 })
  await Recorder.on(mq, queue)
  let read = 0
  let closed = false
  function* items() {
    try {
      for (;;) yield { message: note, payload: { n: read++ }, options: { to: { queue }, in: 0 } }
    } finally {
      closed = true
    }
  }
  for await (const { index } of mq.scheduleAll(items())) if (index >= 0) break
  await poll(() => closed, { timeoutMs: 5000, what: 'the source to be closed' })
  expect(read).toBeLessThan(50)
})
