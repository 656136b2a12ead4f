import { setTimeout as pause } from 'node:timers/promises'
import type { Channel } from 'amqplib'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineMessage, plugin } from '../../src/index.js'
import { managementUrl, poll, startCluster, useVhost } from '../support/broker.js'
import { whyNoPlugin } from '../support/delay-plugin.js'
import { next, openIntake, publishDelayed } from '../support/intake.js'
import { open, rawChannel } from '../support/mq.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const withoutPlugin = await whyNoPlugin()
const noManagement = managementUrl() === undefined ? 'skipped: RABBITMQ_MANAGEMENT_URL is not set' : undefined
const why = noManagement ?? withoutPlugin

const env = () => ({ AMQP_URL: vhost.url, RABBITMQ_MANAGEMENT_URL: managementUrl()! })
const pluginCommand = (...args: string[]) => run(['plugin', ...args], env())

/** An exchange of the plugin, with a queue behind it. */
async function oldWorld(type = 'direct', key = 'k', args: Record<string, unknown> = {}) {
  const [exchange, queue] = [unique('old'), unique('work')]
  const channel = await rawChannel(vhost.url)
  await channel.assertExchange(exchange, 'x-delayed-message', { arguments: { 'x-delayed-type': type } })
  await channel.assertQueue(queue)
  await channel.bindQueue(queue, exchange, key, args)
  return { exchange, queue, channel }
}

/** The count of the plugin may be slightly old. */
async function isEmpty(exchange: string): Promise<void> {
  const empty = async () => (await pluginCommand('status', exchange)).code === 0
  await poll(empty, { what: `nothing in ${exchange}`, timeoutMs: 30_000, intervalMs: 500 })
}

async function bodies(channel: Channel, queue: string, count: number): Promise<string[]> {
  const found: string[] = []
  while (found.length < count) found.push((await next(channel, queue)).content.toString())
  return found.toSorted()
}

describe.skipIf(why !== undefined)(`on a broker with the plugin${why ? ` (${why})` : ''}`, () => {
  test('status counts the waiting messages of each exchange, and exits with 7 until there are none', async () => {
    const { exchange, queue, channel } = await oldWorld()
    for (let i = 0; i < 3; i++) publishDelayed(channel, exchange, 'k', 'x', 15_000)
    const waiting = async () => {
      const { code, stdout } = await pluginCommand('status', '--json', exchange)
      const [report] = documents(stdout) as { exchanges: { messages: number }[] }[]
      return code === 7 && report!.exchanges[0]!.messages === 3
    }
    await poll(waiting, { what: 'three that wait', timeoutMs: 30_000 })
    await bodies(channel, queue, 3)
    await isEmpty(exchange)
    const { stdout } = await pluginCommand('status', '--json', exchange)
    expect(documents(stdout)).toMatchObject([
      { empty: true, exchanges: [{ vhost: vhost.name, name: exchange, type: 'direct', messages: 0 }] },
    ])
    expect((await pluginCommand('status')).stdout).toContain(`${exchange}  (direct, vhost ${vhost.name})`)
  })

  test('status reports a name that is not an exchange of the plugin', async () => {
    const { code, stderr } = await pluginCommand('status', unique('typo'))
    expect(code).toBe(1)
    expect(stderr).toContain('no exchange of the plugin')
  })

  test('copy declares an exchange of the underlying type with the same bindings, and may be repeated', async () => {
    const args = { 'x-match': 'all', clinic: 'west' }
    const { exchange, queue, channel } = await oldWorld('headers', '', args)
    const inFront = unique('in-front')
    await channel.assertExchange(inFront, 'fanout')
    await channel.bindExchange(exchange, inFront, '')
    for (const created of [true, false]) {
      const { code, stdout, stderr } = await pluginCommand('copy', exchange, '--json')
      expect({ code, report: documents(stdout)[0] }).toEqual({
        code: 0,
        report: { exchange: `${exchange}.due`, type: 'headers', created, bindings: 1 },
      })
      expect(stderr).toContain(inFront)
    }
    channel.publish(`${exchange}.due`, '', Buffer.from('east'), { headers: { clinic: 'east' } })
    channel.publish(`${exchange}.due`, '', Buffer.from('west'), { headers: { clinic: 'west' } })
    expect(await bodies(channel, queue, 1)).toEqual(['west'])
  })

  test('a live system moves to another exchange while the old one drains: each message once', async () => {
    const { exchange, queue, channel } = await oldWorld('topic', 'a.*')
    const entry = `${exchange}.new`
    for (let n = 0; n < 50; n++) publishDelayed(channel, exchange, 'a.b', `old ${n}`, 100 + n * 60)
    expect((await pluginCommand('copy', exchange)).code).toBe(0)
    const intake = start(['plugin', 'intake', entry, '--to', `${exchange}.due`, '--json'], env())
    let said = ''
    intake.child.stderr.on('data', (text: string) => (said += text))
    await poll(() => said.includes('takes what comes'), { what: 'the intake', timeoutMs: 60_000 })
    for (let n = 0; n < 50; n++) publishDelayed(channel, entry, 'a.b', `new ${n}`, 100 + n * 20)
    const names = Array.from({ length: 50 }, (_, n) => [`old ${n}`, `new ${n}`]).flat()
    expect(await bodies(channel, queue, 100)).toEqual(names.toSorted())
    await isEmpty(exchange)
    await channel.deleteExchange(exchange)
    intake.child.kill('SIGTERM')
    const { code, stdout } = await intake.ended
    expect({ code, stats: documents(stdout)[0] }).toEqual({ code: 0, stats: { scheduled: 50, atOnce: 0, dead: 0 } })
    expect((await channel.checkQueue(queue)).messageCount).toBe(0)
  })

  test('switch refuses while a message waits or a binding is missing, and changes nothing', async () => {
    const { exchange, queue, channel } = await oldWorld()
    publishDelayed(channel, exchange, 'k', 'waits', 20_000)
    expect((await pluginCommand('switch', exchange)).code).toBe(3)
    await channel.assertExchange(`${exchange}.due`, 'direct', {
      arguments: { 'alternate-exchange': 'dueque.v1.parked' },
    })
    const lacking = await pluginCommand('switch', exchange)
    expect(lacking).toMatchObject({ code: 4, stderr: expect.stringContaining(`${queue} by "k"`) as string })
    await pluginCommand('copy', exchange)
    const full = await pluginCommand('switch', exchange)
    expect(full).toMatchObject({ code: 4, stderr: expect.stringContaining('1 message waits in it') as string })
    expect(await bodies(channel, queue, 1)).toEqual(['waits'])
  })

  test('switch gives the name and the bindings of an empty exchange to an intake', async () => {
    const { exchange, queue, channel } = await oldWorld()
    const inFront = unique('in-front')
    await channel.assertExchange(inFront, 'fanout')
    await channel.bindExchange(exchange, inFront, '')
    await pluginCommand('copy', exchange)
    await isEmpty(exchange)
    const dry = await pluginCommand('switch', exchange, '--dry-run')
    const would = `${exchange} would lead to ${exchange}.intake: dueque plugin intake ${exchange}\n`
    expect(dry).toEqual({ code: 0, stdout: would, stderr: '' })
    expect(await pluginCommand('switch', exchange)).toMatchObject({ code: 0, stderr: '' })
    // Before an intake runs: nothing is lost.
    publishDelayed(channel, exchange, 'k', 'direct', 1000)
    publishDelayed(channel, inFront, 'k', 'by another exchange', 1000)
    await pause(1500)
    expect((await channel.checkQueue(queue)).messageCount).toBe(0)
    await openIntake({ url: vhost.url, from: exchange })
    expect(await bodies(channel, queue, 2)).toEqual(['by another exchange', 'direct'])
  })

  test('topology delete refuses while a message of the strategy plugin waits', async () => {
    const namespace = unique('ns')
    const mq = await open(vhost.url, { namespace, strategy: plugin() })
    const note = defineMessage('note', z.number())
    await mq.schedule(note, 1, { to: { queue: unique('later') }, in: '1h', declare: true })
    await mq.close()
    const remove = (...args: string[]) => run(['topology', 'delete', '--namespace', namespace, ...args], env())
    const waits = async () => (await remove()).stderr.includes(`${namespace}.v1.delayed holds 1 message`)
    await poll(waits, { what: 'a refusal', timeoutMs: 30_000 })
    const channel = await rawChannel(vhost.url)
    await channel.checkExchange(`${namespace}.v1.delayed`)
    expect(await remove('--force')).toMatchObject({ code: 0 })
    await expect(channel.checkExchange(`${namespace}.v1.delayed`)).rejects.toThrow('404')
  })

  test('in a cluster, the answer of one node is not enough to report that no message waits', async ({ skip }) => {
    const cluster = await startCluster({ size: 2 })
    if (!cluster) return skip('DUEQUE_RABBITMQ_BIN is not set')
    try {
      const [one, other] = cluster.nodes as [(typeof cluster.nodes)[0], (typeof cluster.nodes)[0]]
      const channel = await rawChannel(one.url)
      await channel.assertExchange('old', 'x-delayed-message', { arguments: { 'x-delayed-type': 'direct' } })
      publishDelayed(channel, 'old', 'k', 'x', 600_000)
      const status = async (...urls: string[]) => {
        const args = urls.flatMap((url) => ['--management', url])
        const { code, stdout } = await run(['plugin', 'status', 'old', '--json', ...args], { AMQP_URL: one.url })
        const [report] = documents(stdout) as { exchanges: { messages: number }[]; nodes: { notAsked: string[] } }[]
        return { code, messages: report?.exchanges[0]?.messages, notAsked: report?.nodes.notAsked }
      }
      const [a, b] = [one.managementUrl!, other.managementUrl!]
      const seen = async () => (await status(a)).messages === 1
      await poll(seen, { what: 'the message', timeoutMs: 30_000 })
      expect(await status(b)).toEqual({ code: 7, messages: 0, notAsked: [one.name] })
      expect(await status(b, a)).toEqual({ code: 7, messages: 1, notAsked: [] })
    } finally {
      await cluster.stop()
    }
  })
})

test.skipIf(why === undefined || noManagement !== undefined)(
  'status reports a broker without the plugin, and exits with 0',
  async () => {
    const { code, stdout } = await pluginCommand('status')
    expect(code).toBe(0)
    expect(stdout).toContain('there is no exchange of the plugin')
  },
)

test('the commands still work by their old name, migrate', async () => {
  const help = await run(['migrate', 'status', '--help'])
  expect(help).toEqual(await run(['plugin', 'status', '--help']))
  expect(help).toMatchObject({ code: 0, stderr: '' })
})
