import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test, type TestContext } from 'vitest'
import { connect, ladder } from '../../../src/index.js'
import { note, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { spawnChild, type Child } from '../../support/child.js'

const vhost = useVhost()
const MARGIN_MS = 1000

/** A process that holds two messages that are due in a moment; the first of them is to be cancelled while it stands still. */
async function holding({ onTestFinished }: TestContext) {
  const queue = unique('blocked')
  // Held for so long that the records come while they are held.
  const mq = await connect({ url: vhost.url, strategy: ladder({ lead: 5000 }) })
  onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
  const child = spawnChild({}, new URL('blocked-child.ts', import.meta.url), vhost.url, queue)
  onTestFinished(child.kill)
  const prints = (line: string, timeoutMs = 10_000) =>
    poll(() => child.lines.includes(line), { what: line, intervalMs: 5, timeoutMs })
  // A busy machine starts two processes side by side.
  await prints('ready', 40_000)
  // Declares the streams also here.
  await mq.cancel('nobody')
  const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: 10_000 })
  const [cancelled] = [await schedule(1), await schedule(2)]
  await prints('held')
  return { mq, queue, child, prints, cancelled, dueAt: Date.parse(cancelled.dueAt) }
}

/** When the other message is handled, and long after the first was due. */
async function settled({ lines }: Child, dueAt: number): Promise<void> {
  await poll(() => ['handled 2', 'cancelled 1'].every((line) => lines.includes(line)), { what: 'both to be settled' })
  await pause(Math.max(dueAt + 300 - Date.now(), 0))
  expect(lines).not.toContain('handled 1')
}

// Side by side: they mostly wait.
describe.concurrent('a message that falls due', () => {
  test('while the event loop is blocked is dropped if it was cancelled meanwhile', async (test) => {
    const { mq, queue, child, prints, cancelled, dueAt } = await holding(test)
    await mq.schedule(note, { n: 0, text: String(dueAt + 100) }, { to: { queue }, in: 0 })
    await prints('blocked')
    expect(await mq.cancel(cancelled)).toBe('cancelled')
    expect(Date.now()).toBeLessThan(dueAt - MARGIN_MS + 100)
    await settled(child, dueAt)
  })

  test('while the process is stopped is dropped if it was cancelled meanwhile', async (test) => {
    const { mq, child, cancelled, dueAt } = await holding(test)
    child.process.kill('SIGSTOP')
    expect(await mq.cancel(cancelled)).toBe('cancelled')
    await pause(Math.max(dueAt + 100 - Date.now(), 0))
    child.process.kill('SIGCONT')
    await settled(child, dueAt)
  })
})
