import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { publishedTo } from '../../../../src/operate/management/resources.js'

test.each([
  ['exchanges that nobody published to', [{ name: 'a' }, { name: 'b' }], undefined],
  [
    'statistics, also of others',
    [
      { name: 'a', message_stats: { publish_in: 3 } },
      { name: 'c', message_stats: { publish_in: 9 } },
    ],
    3,
  ],
  [
    'statistics that are just beginning, as RabbitMQ 4.3 shows them',
    [{ name: 'a', message_stats: [] }, { name: 'b' }],
    0,
  ],
  [
    'statistics without publishes',
    [
      { name: 'a', message_stats: {} },
      { name: 'b', message_stats: { publish_in: 2 } },
    ],
    2,
  ],
])('published messages are counted by %s', async (_, exchanges, expected) => {
  const server = createServer((_request, response) => response.end(JSON.stringify(exchanges))).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const api = { url, user: 'guest', password: 'guest', timeoutMs: 5000 }
  expect(await publishedTo(api, '/', new Set(['a', 'b']))).toBe(expected)
})
