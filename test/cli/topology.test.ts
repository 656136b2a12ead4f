import { connect, defineMessage } from 'dueque'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { rawChannel } from '../support/mq.js'
import { streamMessages } from '../support/stream-messages.js'
import { documents, run, unique } from './dueque.js'

const vhost = useVhost()
const note = defineMessage('note', z.number())

test('show lists everything without a broker, as definitions with --json', async () => {
  const { code, stdout } = await run([
    'topology',
    'show',
    '--json',
    '--queue',
    'q',
    '--exchange',
    'e',
    '--outlet',
    'o',
    '--plugin',
    '--journal',
    '--recurring',
    '--intake',
    'form',
    '--namespace',
    'n',
  ])
  expect(code).toBe(0)
  const [definitions] = documents(stdout) as [Record<'exchanges' | 'queues' | 'bindings', { name: string }[]>]
  const names = definitions.queues.map(({ name }) => name)
  expect(names).toHaveLength(375 + 6 + 6 + 2 + 8)
  const some = [
    'n.v1.journal.30d',
    'n.v1.recurring',
    'n.v1.ticks',
    'n.v1.wait.30m',
    'n.v1.unroutable',
    'n.v1.to.e',
    'n.v1.to-queue.o',
    'q',
    'q.dead',
    'form.intake',
  ]
  expect(names).toEqual(expect.arrayContaining(some))
  expect(definitions.exchanges.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['n.v1.delayed', 'n.v1.journal', 'n.v1.recurring', 'form']),
  )
})

// 375 queues are declared in one go.
test(
  'apply declares the missing parts, verify reports them, delete refuses while a message waits',
  { timeout: 240_000 },
  async () => {
    const env = { AMQP_URL: vhost.url, DUEQUE_NAMESPACE: unique('ns') }
    const queue = unique('reminders')
    const topology = (...args: string[]) => run(['topology', ...args, '--json'], env)
    const changes = (stdout: string) => documents(stdout) as { name: string; change: string }[]
    const named = (stdout: string, change: string) =>
      changes(stdout).flatMap((one) => (one.change === change ? [one.name] : []))

    const entry = unique('form')

    const everything = ['--queue', queue, '--intake', entry, '--journal', '--recurring']
    const applied = await topology('apply', ...everything)
    expect(applied.code).toBe(0)
    expect(named(applied.stdout, 'created')).toHaveLength(changes(applied.stdout).length)
    expect(named(applied.stdout, 'created')).toEqual(expect.arrayContaining([entry, `${entry}.intake`]))
    for (const stream of ['cancellations.10y', 'journal.10y', 'recurring'])
      expect(await streamMessages(vhost.url, `${env.DUEQUE_NAMESPACE}.v1.${stream}`)).toHaveLength(1)

    expect(await topology('verify', ...everything)).toMatchObject({ code: 0, stdout: '' })

    const rung = `${env.DUEQUE_NAMESPACE}.v1.wait.30m`
    const channel = await rawChannel(vhost.url)
    await channel.deleteQueue(rung)
    // Processes declare it when they need it, unless they trust the operator: see below.
    const missing = { kind: 'queue', name: rung, change: 'missing' }
    const incomplete = await topology('verify', '--queue', queue)
    expect([incomplete.code, documents(incomplete.stdout)]).toEqual([0, [{ ...missing, lazy: true }]])
    expect(named((await topology('apply', '--queue', queue)).stdout, 'created')).toEqual([rung])

    const withManagement = managementUrl()
    if (withManagement === undefined) return
    const full = ['verify', '--queue', queue, '--management', withManagement]
    expect(await topology(...full)).toEqual({ code: 0, stdout: '', stderr: '' })
    const { arguments: args } = await management<{ arguments: object }>(`/queues/${vhost.name}/${rung}`)
    await channel.deleteQueue(rung)
    const trusting = await topology(...full, '--topology', 'trust')
    expect([trusting.code, documents(trusting.stdout)]).toEqual([4, [missing]])
    await channel.assertQueue(rung, { arguments: { ...args, 'x-message-ttl': 60_000 } })
    const prefix = `${env.DUEQUE_NAMESPACE}.v1`
    for (const from of ['entry', 'next']) await channel.bindQueue(rung, `${prefix}.${from}.m`, 'dq~30m')
    await channel.unbindQueue(`${prefix}.wait.2h`, `${prefix}.next.h`, 'dq~2h')
    await channel.unbindQueue(queue, `${prefix}.deliver`, `dq~queue~${queue}`)
    const byName = await topology('verify', '--queue', queue, '--no-management')
    expect(byName).toMatchObject({ code: 0, stdout: '' })
    expect(byName.stderr).toContain('only names are looked at, not arguments and bindings')
    const wrong = await topology(...full)
    expect(wrong.code).toBe(4)
    const unbound = { kind: 'binding', to: 'queue', change: 'missing' }
    expect(documents(wrong.stdout)).toEqual([
      { kind: 'queue', name: rung, change: 'differs', differences: ['x-message-ttl is 60000, not 1800000'] },
      { ...unbound, name: `${prefix}.wait.2h`, from: `${prefix}.next.h`, key: 'dq~2h' },
      { ...unbound, name: queue, from: `${prefix}.deliver`, key: `dq~queue~${queue}` },
    ])
    const { stdout: text } = await run(['topology', ...full], env)
    expect(text).toContain(`differs queue ${rung}: x-message-ttl is 60000, not 1800000`)
    expect(text).toContain(`missing binding of queue ${queue} to exchange ${prefix}.deliver`)
    expect(text).toContain('2 missing: dueque topology apply with the same options declares them; 1 differs: delete')
    await channel.deleteQueue(rung)
    // As older versions declared it.
    const { arguments: own } = await management<{ arguments: object }>(`/queues/${vhost.name}/${queue}`)
    expect(own).toMatchObject({ 'x-delivery-limit': 1000 })
    await channel.deleteQueue(queue)
    await channel.assertQueue(queue, { arguments: { ...own, 'x-delivery-limit': 20 } })
    expect((await topology('apply', '--queue', queue)).code).toBe(0)
    expect((await topology(...full)).code).toBe(0)

    const mq = await connect({ url: vhost.url, namespace: env.DUEQUE_NAMESPACE })
    onTestFinished(() => mq.close())
    await mq.schedule(note, 1, { to: { queue }, in: '2h' })
    await mq.close()
    const waits = `${env.DUEQUE_NAMESPACE}.v1.wait.2h`
    const total = async () => (await management<{ messages?: number }>(`/queues/${vhost.name}/${waits}`)).messages === 1
    await poll(total, { timeoutMs: 30_000, what: 'the management API to count the message' })
    const remove = (...args: string[]) =>
      topology('delete', '--management', withManagement, '--queue', queue, '--intake', entry, ...args)
    const refused = await remove()
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(`${waits} holds 1 message`)
    const deleted = await remove('--force')
    expect(deleted.code).toBe(0)
    const streams = [`${prefix}.cancellations.30d`, `${prefix}.journal.30d`]
    expect(named(deleted.stdout, 'deleted')).toEqual(expect.arrayContaining([waits, ...streams]))
    await channel.checkQueue(queue)
    await channel.checkQueue(`${queue}.dead`)
    await channel.checkExchange(entry)
    await channel.checkQueue(`${entry}.intake`)
    await expect(channel.checkExchange(`${env.DUEQUE_NAMESPACE}.v1.deliver`)).rejects.toThrow('NOT_FOUND')
  },
)

/** A management API that runs `meanwhile` between its count and its answer. */
async function slowManagement(meanwhile: () => Promise<unknown>): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const { authorization = '' } = request.headers
      const counted = await fetch(`${managementUrl()}${request.url}`, { headers: { authorization } })
      const text = await counted.text()
      if (request.url?.startsWith('/api/queues')) await meanwhile()
      response.writeHead(counted.status, { connection: 'close' }).end(text)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('delete stops at a queue that is no longer empty since the totals were read', async (context) => {
  if (managementUrl() === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const namespace = unique('late')
  const queue = unique('reminders')
  const rung = `${namespace}.v1.wait.2h`
  const mq = await connect({ url: vhost.url, namespace })
  onTestFinished(() => mq.close())
  const schedule = () => mq.schedule(note, 1, { to: { queue }, in: '2h', declare: true })
  await schedule()
  const channel = await rawChannel(vhost.url)
  await channel.purgeQueue(rung)
  const totals = `/queues/${vhost.name}?disable_stats=true&enable_queue_totals=true`
  const total = async () =>
    (await management<{ name: string; messages?: number }[]>(totals)).some(
      ({ name, messages }) => name === rung && messages === 0,
    )
  await poll(total, { timeoutMs: 30_000, what: 'the management API to count nothing' })

  const url = await slowManagement(schedule)
  const env = { AMQP_URL: vhost.url, DUEQUE_NAMESPACE: namespace }
  const stopped = await run(['topology', 'delete', '--json', '--management', url], env)
  expect(stopped.code).toBe(4)
  expect(documents(stopped.stderr)).toMatchObject([{ error: { code: 'NOT_EMPTY' } }])
  expect(stopped.stderr).toContain(`stopped before ${rung}, which has 1 message by now`)
  expect(await channel.checkQueue(rung)).toMatchObject({ messageCount: 1 })
  await channel.checkQueue(`${namespace}.v1.unroutable`)

  const forced = await run(['topology', 'delete', '--json', '--force', '--management', managementUrl()!], env)
  expect(forced.code).toBe(0)
  expect(documents(forced.stdout)).toContainEqual({ kind: 'queue', name: rung, change: 'deleted' })
})
