import { expect, it } from 'vitest'
import { deadQueue, destinationKey } from '../../../src/amqp/topology/names.js'
import {
  backTo,
  checkDestination,
  checkQueueName,
  destinationText,
  parseDestination,
  parseDestinationText,
} from '../../../src/message/destination.js'
import { isDuequeError } from '../../../src/base/errors.js'
import { thrown } from '../thrown.js'

const bytes = (text: string) => new TextEncoder().encode(text).length

it.each([
  [{ queue: 'reminders' }, { queue: 'reminders' }],
  [{ queue: 'reminders', exchange: undefined, routingKey: undefined }, { queue: 'reminders' }],
  [{ queue: 'reminders', outlet: false }, { queue: 'reminders' }],
  [
    { queue: 'reminders', outlet: true },
    { queue: 'reminders', outlet: true },
  ],
  [{ queue: 'a\tb 😀\u2028' }, { queue: 'a\tb 😀\u2028' }],
  [{ exchange: 'clinic' }, { exchange: 'clinic', routingKey: '' }],
  [
    { exchange: 'clinic', routingKey: 'a\r\nb' },
    { exchange: 'clinic', routingKey: 'a\r\nb' },
  ],
  [
    { exchange: 'clinic', routingKey: 'a.b' },
    { exchange: 'clinic', routingKey: 'a.b' },
  ],
  [
    { exchange: 'clinic', routingKey: 'é'.repeat(127) },
    { exchange: 'clinic', routingKey: 'é'.repeat(127) },
  ],
  [
    { exchange: 'dqx', routingKey: 'duequeue' },
    { exchange: 'dqx', routingKey: 'duequeue' },
  ],
])('%j is a valid destination', (given, checked) => {
  expect(checkDestination(given)).toEqual(checked)
})

it.each([
  [undefined, 'to'],
  [null, 'to'],
  ['reminders', 'to'],
  [{}, 'to'],
  [{ queue: 'q', exchange: 'e' }, 'to'],
  // RabbitMQ would change these names.
  ...['a\nb', '\ra', 'a\r\n', 'a\ud800', '\udc00b'].flatMap((name): [unknown, string][] => [
    [{ queue: name }, 'to.queue'],
    [{ exchange: name }, 'to.exchange'],
  ]),
  [{ exchange: 'e', routingKey: 'a\ud800' }, 'to.routingKey'],
  [{ routingKey: 'a' }, 'to'],
  [{ queue: '' }, 'to.queue'],
  [{ queue: 5 }, 'to.queue'],
  [{ queue: null }, 'to.queue'],
  [{ queue: 'q', routingKey: '' }, 'to.routingKey'],
  [{ queue: 'q', outlet: 1 }, 'to.outlet'],
  [{ queue: 'q', extra: 1 }, 'to.extra'],
  [{ exchange: 'e', outlet: true }, 'to.outlet'],
  [{ exchange: '' }, 'to.exchange'],
  [{ exchange: ['e'] }, 'to.exchange'],
  [{ exchange: 'e', routingKey: null }, 'to.routingKey'],
  [{ exchange: 'e', routingKey: 5 }, 'to.routingKey'],
])('%j is refused, naming %s', (to, option) => {
  expect(thrown(() => checkDestination(to))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})

it.each([
  [{ queue: 'dq~q' }, 'dq~q'],
  [{ queue: 'dueque-q' }, 'dueque-q'],
  [{ queue: 'DueQue-q' }, 'DueQue-q'],
  [{ exchange: 'e', routingKey: 'dq~30m' }, 'dq~30m'],
  [{ exchange: 'e', routingKey: 'dueque-x' }, 'dueque-x'],
])('%j is refused as a name of dueque itself', (to, name) => {
  expect(thrown(() => checkDestination(to))).toMatchObject({ code: 'RESERVED_NAME', data: { name } })
})

it.each(['ascii: q', 'two bytes: é', 'three bytes: 日', 'four bytes: 😀'])(
  'names are counted in bytes, and the error states the limit: %s',
  (title) => {
    const letter = title.split(': ')[1]!
    const count = Math.ceil(256 / bytes(letter))
    const name = letter.repeat(count)
    for (const to of [{ queue: name }, { exchange: name }, { exchange: 'e', routingKey: name }]) {
      const error = thrown(() => checkDestination(to))
      expect(error).toMatchObject({ code: 'NAME_TOO_LONG', data: { name, bytes: bytes(name) } })
      const { maxBytes } = error.data as { maxBytes: number }
      const longest = letter.repeat(Math.floor(maxBytes / bytes(letter)))
      expect(() =>
        checkDestination(
          Object.fromEntries(Object.entries(to).map(([key, value]) => [key, value === name ? longest : value])),
        ),
      ).not.toThrow()
    }
  },
)

/** The longest accepted name of single-byte letters. */
function longest(accept: (name: string) => unknown): string {
  for (let length = 300; length > 0; length--) {
    try {
      accept('n'.repeat(length))
      return 'n'.repeat(length)
    } catch (error) {
      if (!isDuequeError(error, 'NAME_TOO_LONG')) throw error
    }
  }
  throw new Error('none')
}

it('the longest queue has room for its key and its dead queue', () => {
  const queue = longest((name) => checkQueueName('queue', name))
  expect(bytes(destinationKey({ queue: deadQueue(queue) }))).toBeLessThanOrEqual(255)
  // In the vhost '/'. https://www.rabbitmq.com/docs/quorum-queues
  expect(bytes(deadQueue(queue))).toBeLessThanOrEqual(251)
})

it('the longest exchange has room for its key', () => {
  const exchange = longest((name) => checkDestination({ exchange: name }))
  expect(bytes(destinationKey({ exchange }))).toBeLessThanOrEqual(255)
})

it.each([
  [{ queue: 'reminders' }, 'queue:reminders'],
  [{ queue: 'reminders', outlet: true }, 'outlet:reminders'],
  [{ queue: 'exchange:a' }, 'queue:exchange:a'],
  [{ queue: 'a\nb' }, 'queue:a\nb'],
  [{ exchange: 'clinic', routingKey: 'a' }, 'exchange:clinic'],
])('%j is written as %j, and read again', (destination, text) => {
  expect(destinationText(destination)).toBe(text)
  expect(parseDestination({ 'dueque-to': text }, 'a')).toEqual(destination)
  expect({ routingKey: 'a', ...parseDestinationText(text) }).toMatchObject(destination)
})

it.each<unknown>([undefined, null, '', 'queue:', 'exchange:', 'topic:a', ' queue:a', 5, {}, { toString: 'x' }])(
  'a destination forged as %j is ignored',
  (text) => {
    expect(parseDestination({ 'dueque-to': text }, 'k')).toBeUndefined()
  },
)

it.each([
  ['outlet:work', { queue: 'work', outlet: true }],
  ['outlet:other', { queue: 'work' }],
  ['queue:work', { queue: 'work' }],
  ['exchange:work', { queue: 'work' }],
  [undefined, { queue: 'work' }],
])('a message with dueque-to %j returns to the queue work as %j', (to, destination) => {
  expect(backTo('work', { 'dueque-to': to })).toEqual(destination)
})

it.each(['queue', 'exchange'])('a name of 256 bytes is too long for any %s, and is ignored', (kind) => {
  expect(parseDestination({ 'dueque-to': `${kind}:${'n'.repeat(256)}` }, 'k')).toBeUndefined()
})
