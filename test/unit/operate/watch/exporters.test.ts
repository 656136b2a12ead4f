import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Exporters } from '../../../../src/operate/watch/exporters.js'

/** An exporter whose text can be changed, and the request that it got last. */
async function exporter(text: string) {
  const state = { text, authorization: undefined as string | undefined }
  const server = createServer((request, response) => {
    state.authorization = request.headers.authorization
    if (state.text === '') response.writeHead(503)
    response.end(state.text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, { host, url: `http://${host}/metrics` })
}

const bucket = (queue: string, le: string, count: number) =>
  `dueque_message_lateness_seconds_bucket{queue="${queue}",le="${le}"} ${count}\n`
const counted = (queue: string, fast: number, all: number) =>
  bucket(queue, '0.01', fast) + bucket(queue, '1', all) + bucket(queue, '+Inf', all)

test('lateness is that of messages between two looks, over all exporters, and by queue', async () => {
  const [one, other] = [await exporter(counted('a', 5, 5)), await exporter(counted('a', 0, 2) + counted('b', 1, 1))]
  const exporters = new Exporters([one.url, other.url.replace('http://', 'http://me:s%40cret@')])
  expect((await exporters.look()).lateness).toMatchObject({ messages: 0, p50Ms: null, queues: [], problems: [] })
  expect(other.authorization).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`)
  one.text = counted('a', 15, 15)
  // This process was restarted: a count that fell has begun anew.
  other.text = counted('a', 0, 1) + counted('b', 0, 10)
  const { lateness, scheduled } = await exporters.look()
  expect(scheduled).toBeUndefined()
  expect(lateness).toMatchObject({
    source: 'metrics',
    messages: 20,
    queues: [
      { queue: 'b', messages: 9 },
      { queue: 'a', messages: 11 },
    ],
  })
  expect(lateness.queues[0]!.p50Ms).toBeCloseTo(505, 0)
  expect(lateness.queues[1]!.p50Ms).toBeCloseTo(5.5, 0)
})

test('schedules are counted where an exporter counts them', async () => {
  const text = (count: number) => `dueque_messages_scheduled_total{name="x",outcome="confirmed"} ${count}\n`
  const one = await exporter(text(3))
  const exporters = new Exporters([one.url])
  await exporters.look()
  one.text = text(10)
  expect((await exporters.look()).scheduled).toBe(7)
})

test('an exporter that does not answer is a problem, without its password, and the others count', async () => {
  const [one, other, foreign] = [
    await exporter(counted('a', 5, 5)),
    await exporter(counted('a', 1, 1)),
    await exporter('<html>'),
  ]
  const exporters = new Exporters([one.url, `http://me:s3cret@${other.host}/metrics`, foreign.url])
  await exporters.look()
  one.text = counted('a', 6, 6)
  other.text = ''
  const { lateness } = await exporters.look()
  expect(lateness.messages).toBe(1)
  expect(lateness.problems).toEqual([
    `${other.host}: status 503`,
    `${foreign.host}: no dueque_message_lateness_seconds there; expected the URL of an exporter of dueque/prometheus`,
  ])
})
