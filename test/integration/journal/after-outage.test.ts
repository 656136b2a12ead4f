import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../scripts/broker/tcp-proxy.js'
import { connect, ladder } from '../../../src/index.js'
import { HORIZONS } from '../../../src/log/horizons.js'
import { journalLayout } from '../../../src/log/log-layout.js'
import { note, unique } from '../../strategies/recorder.js'
import { poll, useVhost } from '../../support/broker.js'
import { listed } from '../../support/journal-records.js'
import { rawChannel } from '../../support/mq.js'
import { streamMessages } from '../../support/stream-messages.js'

const vhost = useVhost()

test('thousands of messages that wait for a connection ask their stream once whether it takes records', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const [namespace, queue] = [unique('journal'), unique('work')]
  const open = async (url: string) => {
    const mq = await connect({ url, namespace, strategy: ladder({ journal: true }), logger: false })
    onTestFinished(() => mq.close({ drainTimeoutMs: 2000 }))
    return mq
  }
  const prefix = `${namespace}.v1`
  const stream = journalLayout({ prefix }).stream(HORIZONS.find(({ name }) => name === '8h')!)
  // Another process has declared the streams, and RabbitMQ counts a record in them: a stream without one gets a first record.
  const other = await open(vhost.url)
  await other.schedule(note, { n: 0 }, { to: { queue }, in: '5h', declare: true })
  const channel = await rawChannel(vhost.url)
  await poll(async () => (await channel.checkQueue(stream)).messageCount > 0, { what: 'the record is counted' })

  const mq = await open(proxy.url())
  await mq.schedule(note, { n: 0 }, { to: { queue }, in: '30m' })
  proxy.refuse()
  proxy.cut()
  await expect.poll(() => mq.health().producer).toBe('down')
  const schedules = Array.from({ length: 3000 }, (_, n) => mq.schedule(note, { n }, { to: { queue }, in: '5h' }))
  await proxy.listen()
  await Promise.all(schedules)
  expect((await listed(vhost.url, prefix)).length).toBe(3002)
  const questions = (await streamMessages(vhost.url, stream)).filter(({ content }) => content.byteLength === 0)
  expect(questions.length).toBeLessThan(5)
})
