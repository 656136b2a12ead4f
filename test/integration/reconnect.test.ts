import { describe, expect, test } from 'vitest'
import type { ConsumerStats } from '../../src/index.js'
import { on } from '../../src/index.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { Recorder, note, scheduleNotes, unique } from '../strategies/recorder.js'

const vhost = useVhost()
interface Shown {
  name: string
  user_provided_name?: string
  timeout?: number
}

const connections = () => management<Shown[]>(`/vhosts/${vhost.name}/connections`)

/** Makes the broker close connections, as an operator does in the management UI. */
async function cut(part: string): Promise<number> {
  const found = (await connections()).filter(({ user_provided_name: name }) => name?.includes(part))
  for (const { name } of found) await management(`/connections/${encodeURIComponent(name)}`, { method: 'DELETE' })
  return found.length
}

describe.skipIf(managementUrl() === undefined)(
  'connections (skipped without the management API, which closes them)',
  () => {
    test('are two, named, with a heartbeat', async () => {
      const name = unique('named')
      const mq = await open(vhost.url, { name, heartbeatSeconds: 7 })
      await Recorder.on(mq, unique('q'))
      const mine = async () => (await connections()).filter((one) => one.user_provided_name?.startsWith(name))
      await poll(async () => (await mine()).length === 2, {
        timeoutMs: 30_000,
        what: 'two connections in the management API',
      })
      const shown = await mine()
      expect(shown.map((one) => one.user_provided_name).toSorted()).toEqual([`${name} consumer`, `${name} producer`])
      expect(shown.map(({ timeout }) => timeout)).toEqual([7, 7])
    })

    test('recover: schedules in flight are confirmed, consumers go on, each message is handled once', async () => {
      const [name, queue] = [unique('cut'), unique('cut')]
      const mq = await open(vhost.url, { name })
      const events: string[] = []
      mq.on('disconnected', () => events.push('disconnected'))
      mq.on('reconnected', () => events.push('reconnected'))
      const recorder = await Recorder.on(mq, queue)
      const receipts: Promise<unknown>[] = []
      let cuts = 0
      // The management API shows a connection some seconds after it opened: schedule until it was cut.
      const deadline = Date.now() + 40_000
      for (let n = 0; (cuts < 2 || n % 500 !== 0) && Date.now() < deadline; n++) {
        receipts.push(mq.schedule(note, { n }, { to: { queue }, in: 200 + (n % 10) * 100 }))
        if (n % 50 === 0) await new Promise(setImmediate)
        if (n % 500 === 250) cuts += await cut(name)
      }
      expect(cuts).toBeGreaterThanOrEqual(2)
      await Promise.all(receipts)
      await recorder.has(receipts.length)
      expect(recorder.early).toEqual([])
      expect(new Set(recorder.numbers).size).toBe(receipts.length)
      expect(recorder.deliveries).toHaveLength(receipts.length)
      expect(events).toContain('disconnected')
      expect(events).toContain('reconnected')
    })

    test('a message whose handler runs while the connection is cut is not handled twice', async () => {
      const [name, queue] = [unique('twice'), unique('twice')]
      const mq = await open(vhost.url, { name })
      let finish: (() => void) | undefined
      let calls = 0
      const handler = on(note, async () => {
        calls++
        await new Promise<void>((resolve) => (finish = resolve))
      })
      const consumer = await mq.consume(queue, [handler])
      await scheduleNotes(mq, queue, [0])
      await poll(() => finish !== undefined, { timeoutMs: 30_000, what: 'the handler to run' })
      await poll(async () => (await cut(`${name} consumer`)) === 1, {
        timeoutMs: 30_000,
        what: 'the consumer to be cut',
      })
      const stats = (): ConsumerStats => consumer.stats()
      await poll(() => stats().following === 1, { timeoutMs: 30_000, what: 'the copy to arrive' })
      finish!()
      await poll(() => stats().suppressed === 1, { timeoutMs: 30_000, what: 'the copy to be suppressed' })
      expect(calls).toBe(1)
    })
  },
)
