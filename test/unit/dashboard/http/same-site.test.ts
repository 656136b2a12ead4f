import { expect, test } from 'vitest'
import { hostGuard, writeRefusal } from '../../../../src/dashboard/http/same-site.js'

const HOST = 'board.example:8080'
const good = { 'content-type': 'application/json', 'x-dueque': '1' }
const refusal = (headers: Record<string, string>) => writeRefusal(new Headers({ ...good, ...headers }), HOST)

test.each([
  ['of a program', {}],
  ['of the pages', { 'sec-fetch-site': 'same-origin', origin: `http://${HOST}` }],
  ['by https, ended by a proxy', { origin: `https://${HOST}` }],
  ['typed by the user', { 'sec-fetch-site': 'none' }],
  ['with a charset', { 'content-type': 'Application/JSON; charset=utf-8' }],
])('a change %s is taken', (_, headers: Record<string, string>) => {
  expect(refusal(headers)).toBeUndefined()
})

test('the port that a scheme has by default may be missing', () => {
  expect(writeRefusal(new Headers({ ...good, origin: 'https://a.example' }), 'a.example:443')).toBeUndefined()
  expect(writeRefusal(new Headers({ ...good, origin: 'http://a.example' }), 'a.example')).toBeUndefined()
})

test.each([
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, /^content-type/],
  ['a form that says text', { 'content-type': 'text/plain' }, /^content-type/],
  ['a request without our header', { 'x-dueque': '' }, /^x-dueque/],
  ['another site', { 'sec-fetch-site': 'cross-site' }, /another site/],
  ['another subdomain', { 'sec-fetch-site': 'same-site' }, /another site/],
  ['another host', { origin: 'http://evil.example' }, /another origin/],
  ['another port', { origin: 'http://board.example:9' }, /another origin/],
  ['a sandboxed frame', { origin: 'null' }, /another origin/],
  ['nonsense', { origin: 'http://' }, /another origin/],
])('a change of %s is refused', (_, headers: Record<string, string>, reason) => {
  expect(refusal(headers)).toMatch(reason)
})

test.each(['localhost:15680', '127.0.0.1', '127.8.9.10:1', '[::1]:15680', 'LOCALHOST'])(
  'the host %s is this one',
  (host) => {
    expect(hostGuard(['127.0.0.1'])(host)).toBe(true)
  },
)

test.each(['evil.example', 'evil.example:15680', '10.0.0.1', '127.0.0.1.evil.example', 'localhost.evil.example', ''])(
  'the host %j is another one',
  (host) => {
    expect(hostGuard(['127.0.0.1'])(host)).toBe(false)
  },
)

test('names that were given are answered to, and addresses where all interfaces were given', () => {
  const named = hostGuard(['10.0.0.5', 'Board.example'])
  expect(['10.0.0.5:80', 'board.example', 'other.example', '10.0.0.6'].map(named)).toEqual([true, true, false, false])
  const open = hostGuard(['0.0.0.0'])
  expect(['10.0.0.6:15680', '[fe80::1]', 'evil.example'].map(open)).toEqual([true, true, false])
  expect(hostGuard(['::'])('10.0.0.6')).toBe(true)
  expect(hostGuard(['fd00::5'])('[fd00::5]:15680')).toBe(true)
})
