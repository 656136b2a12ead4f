import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silent } from '../../../../src/base/logger.js'
import { nodeHandler } from '../../../../src/dashboard/http/node-adapter.js'

type Answer = (request: Request, incoming: IncomingMessage) => Promise<Response>

async function serve(answer: Answer): Promise<string> {
  const server = createServer(nodeHandler(answer, silent))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a request arrives with its path, headers and body, and its host in the headers', async () => {
  const base = await serve(async (request) =>
    Response.json({
      path: new URL(request.url).pathname,
      search: new URL(request.url).search,
      host: request.headers.get('host'),
      origin: request.headers.get('origin'),
      body: request.method === 'POST' ? await request.text() : null,
    }),
  )
  const ask = async (path: string, init?: RequestInit) => (await fetch(base + path, init)).json() as Promise<unknown>
  const { host } = new URL(base)
  expect(await ask('//a/b%2f?c=d')).toEqual({ path: '//a/b%2f', search: '?c=d', host, origin: null, body: null })
  const posted = await ask('/x', { method: 'POST', body: 'héllo', headers: { origin: 'http://o.example' } })
  expect(posted).toMatchObject({ path: '/x', origin: 'http://o.example', body: 'héllo' })
})

test('a stream is sent as it comes, and cancelled when its reader has gone', async () => {
  const cancel = vi.fn()
  const body = () => new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('first\n')), cancel })
  const base = await serve(() => Promise.resolve(new Response(body())))
  const left = new AbortController()
  const response = await fetch(base, { signal: left.signal })
  const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('first\n')
  left.abort()
  await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce())
})

test('a stream for a reader who left before the answer is cancelled', async () => {
  const cancel = vi.fn()
  const left = new AbortController()
  const base = await serve(async (_request, { socket }) => {
    const closed = once(socket, 'close')
    left.abort()
    await closed
    return new Response(new ReadableStream({ cancel }))
  })
  await expect(fetch(base, { signal: left.signal })).rejects.toThrow()
  await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce())
})

test('an answer that fails is an error of the server, and one that breaks off ends the connection', async () => {
  const rejecting = await serve(() => Promise.reject(new Error('secret')))
  const response = await fetch(rejecting)
  expect([response.status, await response.text()]).toEqual([500, 'an unexpected error\n'])
  const breaking = await serve(() => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('x')),
      pull: (controller) => controller.error(new Error('broken')),
    })
    return Promise.resolve(new Response(body))
  })
  await expect(fetch(breaking).then((broken) => broken.text())).rejects.toThrow()
})

test('methods that the dashboard does not know are refused', async () => {
  const answer = vi.fn<Answer>()
  const base = await serve(answer)
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) expect((await fetch(base, { method })).status).toBe(405)
  expect(answer).not.toHaveBeenCalled()
})
