import { expect, test, vi } from 'vitest'
import type { Access } from '../../../src/dashboard/index.js'
import { fill, open } from './board.js'

/** Nothing is loaded but files of the dashboard. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

test('by default everybody may look, see no payload, and change nothing', async () => {
  const { mq, get, post } = await open()
  await fill(mq, ['a'])
  expect((await get('api/about')).body).toMatchObject({ strategy: 'memory', permissions: [], broker: false })
  expect((await get('api/waiting')).body).toMatchObject({ messages: [{ id: 'a' }], cursor: null })
  expect((await get('api/waiting/payload?id=a')).status).toBe(403)
  const changes = {
    'api/waiting/change': { action: 'cancel', search: {}, expected: 1 },
    'api/recurring/change': { id: 'x', action: 'pause' },
    'api/failed/redrive': { kind: 'parked' },
    'api/failed/purge': { kind: 'parked', expected: 0 },
  }
  for (const [path, body] of Object.entries(changes))
    expect([path, await post(path, body)]).toMatchObject([path, { status: 403, body: { code: 'NOT_ALLOWED' } }])
  expect(await mq.count()).toBe(1)
})

test('a function tells for each request what may be seen and done', async () => {
  const access = vi.fn((request: Request) => (request.headers.get('x-user') ?? 'none') as Access)
  const { mq, ask } = await open({ access })
  await fill(mq, ['a'])
  const as = async (user: string, path: string) => (await ask(path, { headers: { 'x-user': user } })).status
  expect(await as('none', 'api/waiting')).toBe(403)
  expect(await as('none', '')).toBe(403)
  expect(await as('none', 'ui/main.js')).toBe(403)
  expect(await as('read', 'api/waiting')).toBe(200)
  expect(await as('read', 'api/waiting/payload?id=a')).toBe(403)
  expect(await as('all', 'api/waiting/payload?id=a')).toBe(200)
  expect(access).toHaveBeenCalledTimes(6)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('secret')
    },
  ],
  ['rejects', () => Promise.reject(new Error('secret'))],
  ['answers nothing', () => undefined as never],
  ['answers nonsense', () => 'admin' as never],
])('a function that %s lets nobody in', async (_, access: () => Access | Promise<Access>) => {
  const { get } = await open({ access })
  const { status, body } = await get('api/about')
  expect([status, body['code']]).toEqual([500, 'NOT_ALLOWED'])
  expect(JSON.stringify(body)).not.toContain('secret')
})

test('a permission that the connection cannot use is not shown', async () => {
  const { get } = await open({ access: 'all' })
  expect((await get('api/about')).body['permissions']).toEqual(['payloads', 'cancel', 'reschedule', 'recurring'])
})

test('options that are none are refused', async () => {
  const { mq } = await open()
  const { dashboard } = await import('../../../src/dashboard/index.js')
  const wrong = [
    { access: 'write' },
    { acces: 'read' },
    { metrics: ['x'] },
    { management: 'ftp://x' },
    { hosts: ['http://x'] },
  ]
  for (const options of wrong) expect(() => dashboard(mq, options as never)).toThrow(/expected|no such option/)
  expect(() => dashboard({} as never)).toThrow('mq: expected what connect() resolves to')
  expect(() => dashboard(Promise.resolve(mq) as never)).toThrow('await it')
})

test('a request of another site changes nothing, whatever it may do', async () => {
  const { mq, post, ask } = await open({ access: 'all' })
  await fill(mq, ['a'])
  const change = { action: 'cancel', search: {}, expected: 1 }
  const foreign = [
    { 'content-type': 'text/plain' },
    { 'x-dueque': '' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://evil.example' },
  ]
  for (const headers of foreign)
    expect([headers, await post('api/waiting/change', change, headers)]).toMatchObject([headers, { status: 403 }])
  const form = await ask('api/waiting/change', { method: 'POST', body: new URLSearchParams({ action: 'cancel' }) })
  expect(form.status).toBe(403)
  expect(await mq.count()).toBe(1)
  const own = { 'sec-fetch-site': 'same-origin', origin: 'http://board.example' }
  expect((await post('api/waiting/change', change, own)).body).toMatchObject({
    state: 'done',
    outcomes: { cancelled: 1 },
  })
  expect(await mq.count()).toBe(0)
})

test('a page of another site asks the API nothing, and may lead to the pages', async () => {
  const { ask } = await open({ access: 'all' })
  const from = async (site: string, path: string) => (await ask(path, { headers: { 'sec-fetch-site': site } })).status
  for (const site of ['cross-site', 'same-site']) expect([site, await from(site, 'api/about')]).toEqual([site, 403])
  for (const site of ['same-origin', 'none']) expect([site, await from(site, 'api/about')]).toEqual([site, 200])
  expect(await from('cross-site', '')).not.toBe(403)
})

test('bodies that are too large, or no JSON object, are refused', async () => {
  const { post } = await open({ access: 'all' })
  const status = async (body: unknown) => (await post('api/waiting/change', body)).status
  expect(await status('{')).toBe(400)
  expect(await status('[]')).toBe(400)
  expect(await status('null')).toBe(400)
  expect(await status({ action: 'cancel', pad: 'x'.repeat(1024 * 1024) })).toBe(413)
})

test('each answer has the headers that keep others out, and nothing of the API is kept', async () => {
  const { ask } = await open()
  for (const path of ['', 'api/about', 'api/nothing', 'ui/nothing.js']) {
    const response = await ask(path)
    expect([path, Object.fromEntries(response.headers)]).toEqual([path, expect.objectContaining(HEADERS)])
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  }
  expect((await ask('api/about')).headers.get('cache-control')).toBe('no-store')
})

test('methods and routes that are not there are refused', async () => {
  const { ask, get } = await open({ access: 'all' })
  const status = async (method: string, path: string) => (await ask(path, { method })).status
  expect(await status('PUT', 'api/waiting/change')).toBe(405)
  expect(await status('GET', 'api/waiting/change')).toBe(405)
  expect(await status('POST', 'api/waiting')).toBe(405)
  expect(await status('POST', '')).toBe(405)
  expect(await status('DELETE', 'ui/main.js')).toBe(405)
  expect(await get('api/nothing')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  expect(await get('api/constructor')).toMatchObject({ status: 404 })
  expect((await ask('ui/..%2f..%2f..%2fpackage.json')).status).toBe(307)
  expect((await ask('ui/../../../package.json')).status).toBe(307)
  const head = await ask('api/about', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('a page without its slash is sent on to the one with, below any path', async () => {
  const { board } = await open()
  const at = async (url: string) => {
    const response = await board(new Request(url, { headers: { accept: 'text/html' } }))
    return [response.status, response.headers.get('location')]
  }
  expect(await at('http://x/dueque?a=b')).toEqual([307, './dueque/?a=b'])
  expect(await at('http://x/api/dueque')).toEqual([307, './dueque/'])
})

test('a request by a name that is not the server is refused, where names are known', async () => {
  const { board } = await open({ hosts: ['ops.example'] })
  const by = async (host: string) =>
    (await board(new Request('http://localhost/api/about', { headers: { host } }))).status
  expect([
    await by('127.0.0.1:15680'),
    await by('localhost'),
    await by('ops.example'),
    await by('evil.example:15680'),
  ]).toEqual([200, 200, 200, 403])
})
