import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { startChildWith, type Child } from '../support/child.js'

const vhost = useVhost()

function start(example: string, env: Record<string, string>, ...args: string[]): Child {
  return startChildWith({ AMQP_URL: vhost.url, ...env }, new URL(`../../examples/${example}`, import.meta.url), ...args)
}

/** Its lines, when it has ended well. */
async function run(...args: Parameters<typeof start>): Promise<readonly string[]> {
  const { process, lines } = start(...args)
  const [code] = (await once(process, 'close')) as [number | null]
  expect(code).toBe(0)
  return lines
}

test('order-timeout: the timeout of a paid order is cancelled, an unpaid order is cancelled when its time is over', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dueque-orders-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = { ORDERS: folder }
  const consumer = start('order-timeout/consumer.ts', env)
  await Promise.all([
    run('order-timeout/producer.ts', env, 'o-17'),
    run('order-timeout/producer.ts', env, 'o-18', '1s'),
  ])
  expect(await run('order-timeout/pay.ts', env, 'o-17')).toEqual(['order o-17 is paid, its timeout: cancelled'])
  await poll(() => consumer.lines.length === 2, { timeoutMs: 30_000, what: 'the timeout of o-18' })
  expect(consumer.lines).toEqual([
    'waiting for orders that time out',
    expect.stringMatching(/^order o-18 is cancelled \(\d+ ms after its time\)$/),
  ])
})

test('appointments: the desk moves the reminders of appointments that the producer has scheduled', async () => {
  // The first is due in an hour, so that however slow this machine is, nothing is late.
  const args = ['--speed', '7200', '--lead', '3600']
  const printed = await run('appointments/producer.ts', {}, ...args)
  const clock = printed.find((line) => line.startsWith('clock: '))!.slice('clock: '.length)
  expect(await run('appointments/desk.ts', {}, '--clock', clock)).toEqual([
    '5 appointments moved, 10 reminders with them: {"cancelled":10}',
  ])
})
