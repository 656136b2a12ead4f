import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'dueque'
import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import type { jsonOf } from '../../src/cli/watch/watch-text.js'
import type { StatusReport } from '../../src/operate/status-report.js'
import type { Lateness } from '../../src/operate/watch/lateness.js'
import type { Rates } from '../../src/operate/watch/rates.js'
import { note } from '../strategies/recorder.js'
import { management, managementUrl, poll, useVhost } from '../support/broker.js'
import { documents, start, unique } from './dueque.js'

const vhost = useVhost()

type Look = ReturnType<typeof jsonOf> & StatusReport & { rates: Rates | null; lateness: Lateness }

/** `dueque status --watch 1`, and what it has printed. */
function watch(namespace: string, args: readonly string[], url = vhost.url) {
  const watching = start(['status', '--watch', '1', ...args], { AMQP_URL: url, DUEQUE_NAMESPACE: namespace })
  let out = ''
  watching.child.stdout.on('data', (text: string) => (out += text))
  const lines = () => out.split('\n').slice(0, -1)
  /** Those that did not fail. On a busy machine the management API may take too long. */
  const looks = () => (documents(lines().join('\n')) as Look[]).filter((look) => look['error'] === undefined)
  const shows = (pattern: RegExp, from = 0) =>
    poll(
      () =>
        lines()
          .slice(from)
          .some((line) => pattern.test(line)),
      {
        what: `a line with ${pattern}`,
        timeoutMs: 40_000,
      },
    )
  return { ...watching, lines, looks, shows }
}

test('prints rates and the lateness of a probe, and takes the probe away on Ctrl-C', async (context) => {
  const url = managementUrl()
  if (url === undefined) context.skip('RABBITMQ_MANAGEMENT_URL is not set')
  const namespace = unique('watch')
  const watching = watch(namespace, ['--json', '--management', url!])
  const mq = await connect({ url: vhost.url, namespace })
  const schedule = () => mq.schedule(note, { n: 1 }, { to: { queue: unique('notes') }, in: '1h', declare: true })
  await Promise.all([schedule(), schedule()])
  await poll(
    () => watching.looks().find(({ lateness: { messages }, waiting }) => messages > 0 && waiting.messages >= 2),
    {
      what: 'a message of the probe, and those that wait',
      timeoutMs: 40_000,
    },
  )
  const rated = await poll(() => watching.looks().find(({ rates }) => (rates?.scheduled ?? 0) > 0), {
    what: 'a rate',
    timeoutMs: 40_000,
  })
  expect(rated.rates).toMatchObject({ source: 'management', delivered: expect.any(Number) as number })
  expect(rated).toMatchObject({ namespace, source: 'management', at: expect.stringMatching(/Z$/) as string })
  const { lateness } = watching.looks().at(-1)!
  expect(lateness).toMatchObject({ source: 'probe', queues: [], problems: [] })
  expect(lateness.p50Ms).toBeGreaterThanOrEqual(0)
  expect(watching.looks()[0]!.rates).toBeNull()

  watching.child.kill('SIGINT')
  const { code, stderr } = await watching.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await mq.close()
  const queues = await management<{ name: string }[]>(`/queues/${vhost.name}?columns=name&disable_stats=true`)
  expect(queues.filter(({ name }) => name.includes('.probe.'))).toEqual([])
})

test('goes on when the broker goes away and comes back, in lines without a terminal', async () => {
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  const bucket = (le: string, count: number) =>
    `dueque_message_lateness_seconds_bucket{queue="notes",le="${le}"} ${count}\n`
  let arrived = 0
  const exporter = createServer((_, response) => {
    arrived += 100
    response.end(bucket('0.004', arrived) + bucket('+Inf', arrived))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void exporter.close())
  await once(exporter, 'listening')
  const metrics = `http://127.0.0.1:${(exporter.address() as AddressInfo).port}/metrics`
  const namespace = unique('away')
  const watching = watch(namespace, ['--no-management', '--metrics', metrics], proxy.url(vhost.url))
  await watching.shows(/Z {2}waiting 0, .* {2}delivered [\d.]+\/s, .* {2}lateness p50 2 ms, p99 4 ms of \d+00 messages/)
  proxy.refuse()
  proxy.cut()
  await watching.shows(/Z {2}no answer: /)
  expect(watching.lines().at(-1)).not.toContain(new URL(vhost.url).password + '@')
  await proxy.listen()
  await watching.shows(/Z {2}back {2}waiting 0, /)
  watching.child.kill('SIGTERM')
  const { code, stderr } = await watching.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
