import { connect } from 'amqplib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { onAny } from '../../src/index.js'
import { start } from '../cli/dueque.js'
import { unique } from '../strategies/recorder.js'
import { poll, useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'

vi.setConfig({ testTimeout: 240_000 })
const vhost = useVhost()
/** Messages that are published before each kill. */
const EACH = 1500
const COUNT = 3 * EACH

/** A process that is killed after it began to take messages. */
async function intakeProcess(from: string) {
  const { child, ended } = start(['plugin', 'intake', from, '--type', 'direct', '--url', vhost.url])
  let said = ''
  child.stderr.on('data', (text: string) => (said += text))
  await poll(() => said.includes('takes what comes'), { what: 'the intake', timeoutMs: 60_000 })
  return { child, ended }
}

test('an intake that is killed twice in mid-stream loses nothing; by their ids, messages are handled once, none early', async () => {
  const from = unique('killed')
  const queue = unique('work')
  const mq = await open(vhost.url)
  const handled = new Map<string, number>()
  const early: string[] = []
  const consumer = await mq.consume(queue, [
    onAny(({ id, payload }) => {
      handled.set(id, (handled.get(id) ?? 0) + 1)
      if (Date.now() < (payload as { notBefore: number }).notBefore) early.push(id)
    }),
  ])
  const model = await connect(vhost.url, { noDelay: true })
  onTestFinished(() => model.close())
  const channel = await model.createConfirmChannel()
  const publish = (n: number) => {
    // Different rungs for each process: new rungs hold their confirms for a while.
    const delay = (n % 20) * 100 + Math.floor(n / EACH) * 10
    const body = Buffer.from(JSON.stringify({ notBefore: Date.now() + delay }))
    channel.publish(from, 'k', body, { headers: { 'x-delay': delay }, messageId: String(n), persistent: true })
  }
  const first = await intakeProcess(from)
  await channel.bindQueue(queue, `${from}.due`, 'k')
  for (let life = 0; life < 3; life++) {
    const { child, ended } = life === 0 ? first : await intakeProcess(from)
    const before = handled.size
    for (let n = life * EACH; n < (life + 1) * EACH; n++) publish(n)
    if (life === 2) break
    // Some messages are scheduled, some in flight, and some not yet taken.
    await poll(() => handled.size > before, { what: 'the first one', timeoutMs: 30_000, intervalMs: 1 })
    child.kill('SIGKILL')
    await ended
  }
  await channel.waitForConfirms()
  const all = () => handled.size === COUNT
  await poll(all, { what: `${COUNT} handled`, timeoutMs: 90_000 }).catch(() => undefined)
  const missing = Array.from({ length: COUNT }, (_, i) => String(i)).filter((id) => !handled.has(id))
  expect(missing, 'lost').toEqual([])
  expect(early, 'early').toEqual([])
  expect([...handled].filter(([, times]) => times > 1)).toEqual([])
  console.info(`copies suppressed: ${consumer.stats().suppressed}`)
})
