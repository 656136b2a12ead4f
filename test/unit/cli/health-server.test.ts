import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { healthServer } from '../../../src/cli/health-server.js'

const address = { port: 0, host: '127.0.0.1', option: '--health-port' }

async function served(health: () => { ok: boolean }) {
  const broken = () => Promise.reject(new Error('no page'))
  const page = () => ({ status: 200, type: 'text/plain', text: 'a page' })
  const server = await healthServer(address, health, { '/page': page, '/broken': broken })
  onTestFinished(() => server.close())
  return async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return [response.status, response.headers.get('content-type')?.split(';')[0], (await response.text()).trim()]
  }
}

it('answers its paths alone', async () => {
  let ok = true
  const get = await served(() => ({ ok }))
  for (const path of ['/', '/health', '/health?verbose=1', '/?'])
    expect(await get(path)).toEqual([200, 'application/json', '{"ok":true}'])
  ok = false
  expect(await get('/health')).toEqual([503, 'application/json', '{"ok":false}'])
  expect(await get('/health', { method: 'HEAD' })).toEqual([503, 'application/json', ''])
  expect(await get('/page')).toEqual([200, 'text/plain', 'a page'])
  const none = [404, 'text/plain', 'not found. There is: /, /health, /page, /broken']
  for (const path of ['/metrics', '/health/', '/healthz', '//', '/constructor']) expect(await get(path)).toEqual(none)
  expect(await get('/health', { method: 'POST' })).toEqual([405, 'text/plain', 'only GET and HEAD'])
  expect(await get('/broken')).toEqual([500, 'text/plain', 'no page'])
})

it('names the option of a port that is taken, or none', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const listening = (on: number) => healthServer({ ...address, port: on }, () => ({ ok: true }))
  await expect(listening(port)).rejects.toThrow(/^--health-port: .*EADDRINUSE/)
  await expect(listening(70_000)).rejects.toThrow(/^--health-port: .*70000/)
})

it('names the option of a port that cannot be one', async () => {
  const refused = healthServer({ ...address, port: 70_000 }, () => ({ ok: true }))
  await expect(refused).rejects.toThrow(/^--health-port: .*65536/)
})
