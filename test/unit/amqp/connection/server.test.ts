import { expect, it } from 'vitest'
import { unsupportedServer } from '../../../../src/amqp/connection/server.js'

it.each([
  ['RabbitMQ', '3.10.2'],
  ['RabbitMQ', '3.10.25'],
  ['RabbitMQ', '3.11.0-rc.1'],
  ['RabbitMQ', '4.0.0'],
  ['RabbitMQ', '4.3.6+1.gabc'],
  ['RabbitMQ', undefined],
  ['RabbitMQ', 'a build of ours'],
  ['Another broker', '0.1'],
  [undefined, undefined],
])('accepts %s %s', (product, version) => {
  expect(unsupportedServer({ product, version })).toBeUndefined()
})

it.each([
  ['RabbitMQ', '2.8.7'],
  ['RabbitMQ', '3.9.29'],
  ['RabbitMQ', '3.10.0'],
  ['RabbitMQ', '3.10.1'],
  ['LavinMQ', '2.9.0'],
  ['LavinMQ', '4.0.0'],
  ['LavinMQ', undefined],
])('refuses %s %s, and names the required version', (product, version) => {
  const error = unsupportedServer({ product, version })
  expect(error).toMatchObject({ code: 'UNSUPPORTED', outcome: 'refused', data: { feature: `${product} ${version}` } })
  expect(error?.message).toContain('needs RabbitMQ 3.10.2 or later')
})
