import { once } from 'node:events'
import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, onTestFinished, test } from 'vitest'
import { inExpress } from '../../../examples/dashboard/express.js'
import { inFastify } from '../../../examples/dashboard/fastify.js'
import { inKoa } from '../../../examples/dashboard/koa.js'
import { inNest } from '../../../examples/dashboard/nest.js'
import { overNodeHttp } from '../../../examples/dashboard/node-http.js'
import type { Job, WaitingList } from '../../../src/dashboard/api.js'
import { dashboard } from '../../../src/dashboard/index.js'
import type { Dueque } from '../../../src/index.js'
import { fill, open } from './board.js'

const passing = (_request: unknown, _response: unknown, next: () => void) => next()

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An application that reads all bodies itself, before anything else. */
function behindParsers(mq: Dueque): Promise<string> {
  const app = express()
  app.use(express.json(), express.urlencoded())
  app.use('/dueque', dashboard(mq, { access: 'all' }).node)
  return listening(createServer(app))
}

test.each<[string, string, (mq: Dueque) => Promise<string>]>([
  ['Express', '/admin/dueque', (mq) => listening(inExpress(mq, passing))],
  ['Koa', '/dueque', (mq) => listening(inKoa(mq))],
  [
    'Fastify',
    '/dueque',
    async (mq) => {
      const app = inFastify(mq)
      onTestFinished(() => app.close())
      return app.listen({ port: 0, host: '127.0.0.1' })
    },
  ],
  [
    'Nest',
    '/dueque',
    async (mq) => {
      const app = await inNest(mq)
      onTestFinished(() => app.close())
      await app.listen(0, '127.0.0.1')
      return app.getUrl()
    },
  ],
  ['Express with parsers of bodies in front', '/dueque', (mq) => behindParsers(mq)],
])('in %s, the dashboard answers below its path, and changes messages', async (_, path, start) => {
  const { mq } = await open()
  await fill(mq, ['a', 'b'])
  const base = (await start(mq)) + path
  const redirect = await fetch(`${base}?x=1`, { redirect: 'manual' })
  expect([redirect.status, redirect.headers.get('location')]).toEqual([307, './dueque/?x=1'])
  const list = (await (await fetch(`${base}/api/waiting?id=a`)).json()) as WaitingList
  expect(list.messages).toMatchObject([{ id: 'a' }])
  const { id, revision, readyAt } = list.messages[0]!
  const answer = await fetch(`${base}/api/waiting/change`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-dueque': '1', origin: new URL(base).origin },
    body: JSON.stringify({ action: 'cancel', messages: [{ id, revision, readyAt }] }),
  })
  expect((await answer.json()) as Job).toMatchObject({ state: 'done', outcomes: { cancelled: 1 } })
  expect(await mq.count()).toBe(1)
  const foreign = await fetch(`${base}/api/waiting/change`, { method: 'POST', body: '{}' })
  expect(foreign.status).toBe(403)
})

test('over node:http, events come at once', async () => {
  const { mq } = await open()
  const base = await listening(overNodeHttp(mq))
  const left = new AbortController()
  const response = await fetch(`${base}/api/events`, { signal: left.signal })
  const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>
  expect(Buffer.from((await reader.read()).value!).toString()).toMatch(/^event: jobs\n/)
  left.abort()
})

test('over node:http, a strange request is an error of its own', async () => {
  const { mq } = await open()
  const base = await listening(overNodeHttp(mq))
  const status = async (path: string, init?: RequestInit) => (await fetch(base + path, init)).status
  expect(await status('/api/about', { method: 'PATCH' })).toBe(405)
  expect(await status('/api/about', { method: 'OPTIONS' })).toBe(405)
  expect(await status('//evil.example/api/about')).toBe(200)
  expect(await status('/api/about', { method: 'HEAD' })).toBe(200)
})

test('over node:http, a change that is refused is answered, and its connection goes on, however long its body is', async () => {
  const { mq } = await open()
  const base = await listening(createServer(dashboard(mq, { access: 'all' }).node))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const post = (headers: Record<string, string>, body: Buffer) =>
    new Promise<number>((resolve, reject) => {
      const asked = request(`${base}/api/waiting/change`, { method: 'POST', agent, headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode!))
      })
      asked.on('error', reject).end(body)
    })
  const [large, own] = [Buffer.alloc(5_000_000, 0x20), { 'content-type': 'application/json', 'x-dueque': '1' }]
  expect(await post(own, large)).toBe(413)
  expect(await post({ 'content-type': 'text/plain' }, large)).toBe(403)
  expect(await post(own, Buffer.from('{}'))).toBe(400)
})

test('access sees the request of the framework, with the user that a login has found', async () => {
  const { mq } = await open()
  const app = express()
  const login = (request: express.Request, _response: unknown, next: () => void) => {
    Object.assign(request, { user: request.headers['x-user'] })
    next()
  }
  const access = (_request: Request, incoming: unknown) =>
    (incoming as { user?: string }).user === 'anna' ? ('read' as const) : ('none' as const)
  app.use('/dueque', login, dashboard(mq, { access }).node)
  const base = await listening(createServer(app))
  const as = async (user: string) => (await fetch(`${base}/dueque/api/about`, { headers: { 'x-user': user } })).status
  expect([await as('anna'), await as('eve')]).toEqual([200, 403])
})
