import { expect, it } from 'vitest'
import { parseEndpoints, type Endpoint } from '../../../../src/amqp/connection/endpoint.js'
import { thrown } from '../../thrown.js'

const plain: Endpoint = {
  protocol: 'amqp',
  hostname: 'localhost',
  port: 5672,
  host: 'localhost:5672',
  user: 'guest',
  password: 'guest',
  vhost: '/',
}

it.each<[string, Partial<Endpoint>]>([
  ['amqp://localhost', {}],
  ['amqp://localhost/', {}],
  ['amqps://localhost', { protocol: 'amqps', port: 5671, host: 'localhost:5671' }],
  ['amqp://localhost:1234', { port: 1234, host: 'localhost:1234' }],
  ['amqps://localhost:5672', { protocol: 'amqps' }],
  ['amqp://mq.example.org', { hostname: 'mq.example.org', host: 'mq.example.org:5672' }],
  ['amqp://127.0.0.1', { hostname: '127.0.0.1', host: '127.0.0.1:5672' }],
  ['amqp://[::1]', { hostname: '::1', host: '[::1]:5672' }],
  ['amqp://[2001:db8::1]:1234/v', { hostname: '2001:db8::1', port: 1234, host: '[2001:db8::1]:1234', vhost: 'v' }],
  ['amqp://u:p@localhost', { user: 'u', password: 'p' }],
  ['amqp://u@localhost', { user: 'u', password: '' }],
  ['amqp://u:@localhost', { user: 'u', password: '' }],
  ['amqp://a%40b:p%3A%2F%23%3F%25@localhost', { user: 'a@b', password: 'p:/#?%' }],
  ['amqp://%C3%BC:%E6%97%A5@localhost', { user: 'ü', password: '日' }],
  ['amqp://u:a:b@localhost', { user: 'u', password: 'a:b' }],
  ['amqp://localhost/v', { vhost: 'v' }],
  ['amqp://localhost/%2F', { vhost: '/' }],
  ['amqp://localhost/%2f', { vhost: '/' }],
  ['amqp://localhost/a%2Fb', { vhost: 'a/b' }],
  ['amqp://localhost/%E6%97%A5', { vhost: '日' }],
  ['amqp://localhost/%25', { vhost: '%' }],
])('%s', (url, parts) => {
  expect(parseEndpoints(url)).toEqual([{ ...plain, ...parts }])
})

it('several URLs keep their order', () => {
  const urls = ['amqp://a', 'amqps://u:p@b:1/v', 'amqp://a']
  expect(parseEndpoints(urls).map(({ host }) => host)).toEqual(['a:5672', 'b:1', 'a:5672'])
})

it.each([
  ...['', 'localhost', 'localhost:5672', '//localhost', 'amqp:localhost', 'amqp:', 'amqp:///v', 'http://localhost'],
  ...['amqp://localhost:port', 'amqp://localhost:65536', 'amqp://loc alhost', 'amqp://localhost?heartbeat=5'],
  ...[
    'amqp://localhost#v',
    'amqp://localhost/%',
    'amqp://localhost/%FF',
    'amqp://%:p@localhost',
    'amqp://u:%@localhost',
    'amqp://u:55/sEcret@localhost',
    'amqp://u:p@55/sEcret@localhost',
  ],
  ...[[], [''], ['amqp://a', 'b'], [undefined], undefined, null, 5, {}, new URL('amqp://localhost')],
])('%o is refused', (url) => {
  expect(thrown(() => parseEndpoints(url as string))).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'url' } })
})

it.each([
  'user:sEcret@localhost',
  'http://user:sEcret@localhost',
  'amqp//user:sEcret@localhost',
  'amqp:user:sEcret@localhost',
  'amqp://user:sEcret@',
  'amqp://user:sEcret@localhost:port',
  'amqp://user:sEcret%@localhost',
  'amqp://user:sEcret@localhost?heartbeat=5',
  'amqp://user:sEcret@localhost/%',
  'amqp://user:sEcret?x@localhost',
  'amqp://user:sEcret#x@localhost',
  'amqp://user:sEcret/x@localhost',
  'amqp://user:?sEcret@localhost',
  'amqp://user:12?sEcret@localhost',
  'amqp://user:#sEcret@localhost',
  'amqp://user:12#sEcret@localhost',
])('%s is refused with an error that does not hold the password', (url) => {
  for (const given of [url, ['amqp://fine', url], [url, 'amqp://fine']]) {
    const error = thrown(() => parseEndpoints(given))
    const { message, stack, data, cause } = error
    expect(JSON.stringify([error, message, stack, data, String(cause)])).not.toContain('sEcret')
  }
})
