import { connect } from 'dueque'
import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { poll, useVhost } from '../support/broker.js'
import { receive } from '../support/gate.js'
import { rawChannel } from '../support/mq.js'
import { note } from '../strategies/recorder.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()

/** A ready gate, and its health. */
async function startGate(url: string, from: string, to: string, ...args: string[]) {
  const gate = start(['gate', from, '--to', to, '--declare', '--health-port', '0', '--json', ...args], {
    AMQP_URL: url,
  })
  let out = ''
  gate.child.stdout.on('data', (text: string) => (out += text))
  await gate.printed(1)
  const [started] = documents(out)
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${String(started!['healthPort'])}/`)
    return { status: response.status, ...((await response.json()) as object) } as Record<string, unknown>
  }
  return { ...gate, started, health }
}

test('gate forwards messages that are not cancelled, tells its health, and ends on SIGTERM', async () => {
  const from = unique('from')
  const to = `${from}.due`
  const gate = await startGate(vhost.url, from, to, '--prefetch', '50', '--on-tail-down', 'wait')
  expect(gate.started).toMatchObject({ gate: 'started', from, to })
  expect(await gate.health()).toMatchObject({ status: 200, ok: true, cancellations: { state: 'live' } })
  const received = await receive(await rawChannel(vhost.url), to)
  const mq = await connect({ url: vhost.url })
  onTestFinished(() => mq.close())
  const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue: from }, in: 6000, id: `m${n}` })
  const [first] = await Promise.all([1, 2].map(schedule))
  expect(await mq.cancel(first!)).toBe('cancelled')
  await poll(() => received.length === 1, { what: 'the other', timeoutMs: 30_000 })
  const counted = async () => (await gate.health())['gate'] as Record<string, unknown>
  await poll(async () => (await counted())['cancelled'] === 1, { what: 'the count', timeoutMs: 30_000 })
  expect([received[0]!.id, await counted()]).toEqual(['m2', { forwarded: 1, cancelled: 1, held: 0, dead: 0 }])
  gate.child.kill('SIGTERM')
  const { code, stdout, stderr } = await gate.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(documents(stdout).at(-1)).toEqual({ gate: 'stopped', forwarded: 1, cancelled: 1, dead: 0 })
})

test('gate fails before it takes anything if its queues are missing, or are one queue', async () => {
  const from = unique('from')
  const channel = await rawChannel(vhost.url)
  await channel.assertQueue(from)
  const env = { AMQP_URL: vhost.url }
  const missing = await run(['gate', from, '--to', unique('none')], env)
  expect(missing).toMatchObject({ code: 4, stdout: '' })
  expect(missing.stderr).toMatch(/^error: queue:none-\w+ does not exist/)
  expect(await run(['gate', from, '--to', from, '--json'], env)).toMatchObject({ code: 2, stdout: '' })
})

test('gate answers 503 while its broker is away, and goes on when it is back', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const [from, to] = [unique('from'), unique('to')]
  const gate = await startGate(proxy.url(), from, to)
  const has = (status: number) =>
    poll(async () => (await gate.health())['status'] === status, { what: `a ${status}`, timeoutMs: 30_000 })
  await has(200)
  proxy.refuse()
  proxy.cut()
  await has(503)
  await proxy.listen()
  await has(200)
  const channel = await rawChannel(vhost.url)
  channel.sendToQueue(from, Buffer.from('{}'), { persistent: true, messageId: 'after' })
  const received = await receive(channel, to)
  await poll(() => received.length === 1, { what: 'the message', timeoutMs: 30_000 })
})
