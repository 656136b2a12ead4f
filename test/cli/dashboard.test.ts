import { request } from 'node:http'
import { connect, ladder } from 'dueque'
import { expect, test } from 'vitest'
import { note } from '../strategies/recorder.js'
import { useVhost } from '../support/broker.js'
import { useRedis } from '../support/redis.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
const server = useRedis()

/** A dashboard that answers. */
async function startDashboard(args: string[], namespace = unique('board')) {
  const own = ['dashboard', '--port', '0', '--no-management', '--no-probe', '--json', ...args]
  const dashboard = start(own, { AMQP_URL: vhost.url, DUEQUE_NAMESPACE: namespace })
  let out = ''
  dashboard.child.stdout.on('data', (text: string) => (out += text))
  await dashboard.printed(1)
  const { url } = documents(out)[0] as { url: string }
  const get = async (path: string) => {
    const response = await fetch(url + path)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ...dashboard, url, get }
}

/** The status of an answer to a request by another name. */
function statusBy(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}api/about`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode!)
    })
    asked.on('error', reject).end()
  })
}

test('finds a journal, shows its messages to this host alone, changes nothing, and ends on SIGTERM', async () => {
  const namespace = unique('board')
  const mq = await connect({ url: vhost.url, namespace, strategy: ladder({ journal: true }) })
  await mq.schedule(note, { n: 1 }, { to: { queue: unique('q') }, declare: true, id: 'a', in: '1h' })
  await mq.close()
  const { url, get, child, ended } = await startDashboard(['--allow-host', 'ops.example'], namespace)
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
  expect((await get('api/about')).body).toMatchObject({ namespace, waiting: { list: true }, permissions: [] })
  expect((await get('api/waiting')).body).toMatchObject({ messages: [{ id: 'a' }] })
  expect((await get('api/waiting/payload?id=a')).status).toBe(403)
  expect([await statusBy(url, 'evil.example'), await statusBy(url, 'ops.example:80')]).toEqual([403, 200])
  await expect(fetch(url.replace('127.0.0.1', '127.0.0.2'))).rejects.toThrow()
  const events = await fetch(`${url}api/events`)
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  expect({ code, stderr, last: documents(stdout).at(-1) }).toEqual({
    code: 0,
    stderr: '',
    last: { dashboard: 'stopped' },
  })
  await events.body?.cancel().catch(() => undefined)
})

test('with a store, shows and changes its messages, if that is allowed', async () => {
  const args = ['--redis', server.url, '--redis-prefix', server.prefix, '--allow-writes', '--payloads']
  const { get } = await startDashboard(args)
  expect((await get('api/about')).body).toMatchObject({
    ...{ strategy: 'redis', waiting: { list: true } },
    permissions: ['payloads', 'cancel', 'reschedule', 'redrive', 'purge', 'recurring'],
  })
  expect((await get('api/waiting')).body).toEqual({ messages: [], cursor: null })
})

test('other hosts are warned of: there is no login', async () => {
  const { child, ended } = await startDashboard(['--host', '0.0.0.0', '--allow-writes'])
  child.kill('SIGTERM')
  const { code, stderr } = await ended
  expect([code, documents(stderr)]).toEqual([0, [{ warning: expect.objectContaining({ host: '0.0.0.0' }) as object }]])
  expect(stderr).toContain('can change messages')
})

test.each([
  [['--metrics', 'app:9464'], 2],
  [['--port', 'x'], 2],
  [['--port', '1', '--host', '203.0.113.1'], 2],
  [['--url', 'amqp://127.0.0.1:1'], 3],
])('%j is an error', async (args, code) => {
  const { stderr, ...ended } = await run(['dashboard', '--port', '0', '--no-management', ...args], {
    AMQP_URL: vhost.url,
  })
  expect([stderr, ended.code]).toEqual([expect.stringMatching(/^error: /), code])
})
