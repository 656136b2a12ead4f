import { expect, onTestFinished, test } from 'vitest'
import { on } from '../../src/index.js'
import { startTicker } from '../../src/recurring/ticker-process.js'
import type { TickerTimes } from '../../src/recurring/ticker-times.js'
import { note, unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { startChild } from '../support/child.js'
import { open } from '../support/mq.js'
import type { SetterSettings, SetStep } from './recurring-setter.js'

const vhost = useVhost()
const STEPS: readonly SetStep[] = ['written', 'cancelled']

/** A namespace with a running ticker, and schedules that another process is to change. */
async function world(times: Partial<TickerTimes>) {
  const namespace = unique('ns')
  const mq = await open(vhost.url, { namespace, recurring: false, logger: false })
  const queue = `${namespace}.q`
  const seen: { id: string; n: number; time: number }[] = []
  const see = on(note, ({ id, payload, scheduledFor }) => {
    seen.push({ id: id.slice(0, id.indexOf('@')), n: payload.n, time: scheduledFor!.getTime() })
  })
  await mq.consume(queue, [see])
  const content = (n: number) => ({ message: note, payload: { n }, to: { queue }, every: '1s' }) as const
  for (const id of STEPS) await mq.recurring.set(id, content(1))
  const ticker = await startTicker({ url: vhost.url, namespace, logger: false }, () => undefined, times)
  onTestFinished(() => ticker.close())
  const of = (id: string, n: number) => seen.filter((one) => one.id === id && one.n === n)
  const has = (n: number) =>
    poll(() => STEPS.every((id) => of(id, n).length >= 3), { what: `occurrences of ${n}`, timeoutMs: 90_000 })
  return { namespace, mq, ticker, content, of, has }
}

/** After the change, each time has one occurrence. */
function assertChanged({ of }: Awaited<ReturnType<typeof world>>, changedAt: number): void {
  for (const id of STEPS) {
    const times = of(id, 2).map(({ time }) => time)
    times.sort((a, b) => a - b)
    expect(times, id).toEqual(times.map((_, n) => times[0]! + n * 1000))
  }
  // A process that dies right after the record leaves the waiting messages.
  expect(of('cancelled', 1).filter(({ time }) => time > changedAt + 1500)).toEqual([])
}

test('a process that dies in the midst of set leaves a schedule that a repair, or a set that changes nothing, sets going', async () => {
  const [again, repaired] = [await world({}), await world({ repairEveryMs: 2000, bookmarkMs: 500 })]
  await Promise.all([again.has(1), repaired.has(1)])
  const namespaces = [again, repaired].map(({ namespace }) => namespace)
  const settings: SetterSettings = { url: vhost.url, namespaces, queue: 'q' }
  const child = startChild(new URL('recurring-setter.ts', import.meta.url), JSON.stringify(settings))
  await poll(() => child.process.signalCode, { what: 'its end', timeoutMs: 60_000 })
  const changedAt = Date.now()
  await repaired.has(2)
  for (const id of STEPS) {
    expect(again.of(id, 2)).toEqual([])
    expect(await again.mq.recurring.set(id, again.content(2))).toMatchObject({ changed: false })
  }
  await again.has(2)
  for (const one of [again, repaired]) {
    assertChanged(one, changedAt)
    await one.ticker.close()
  }
}, 360_000)
