import { expect, it, test } from 'vitest'
import { z } from 'zod'
import { Layout } from '../../../../src/amqp/topology/layout.js'
import { Names } from '../../../../src/amqp/topology/names.js'
import { namespacesOf, ReservedNames } from '../../../../src/amqp/topology/reserved-names.js'
import { defineMessage, on } from '../../../../src/index.js'
import { cancellationLayout, journalLayout, recurringLayout } from '../../../../src/log/log-layout.js'
import { tickParts } from '../../../../src/recurring/recurring-layout.js'
import { LadderLayout } from '../../../../src/strategies/ladder/ladder-layout.js'
import { rungVariants } from '../../../../src/strategies/ladder/rungs.js'
import { delayedParts } from '../../../../src/strategies/plugin/delayed-exchange.js'
import { testDueque } from '../../../../src/testing/index.js'
import { rejection } from '../../thrown.js'

it('knows every part of a layout by its name', () => {
  const layout = new Layout(new Names('my.v1.own'), 'quorum')
  const ladder = new LadderLayout(layout.names)
  const parts = [
    ...layout.base(),
    ...ladder.everything('quorum', 3),
    ...ladder.everything('classic', 2),
    ...rungVariants(['quorum', 'classic'], 3).flatMap(({ rung, variant }) => ladder.mark(rung, variant)),
    ...delayedParts(layout.names),
    ...cancellationLayout(layout.names).parts(),
    ...journalLayout(layout.names).parts(),
    ...recurringLayout(layout.names).parts(),
    ...tickParts(layout),
    ...layout.outlet('any.exchange\n'),
    ...layout.queueOutlet('any queue'),
  ]
  const unknown = parts.filter(({ kind, name }) => kind !== 'binding' && !namespacesOf(name).includes('my.v1.own'))
  expect(unknown).toEqual([])
})

test.each([
  'reminders',
  'dueque.v1',
  'dueque.v1.reminders',
  'a.v1.wait.room',
  'a.v1.entry.door',
  'dueque.v2.deliver',
  '.v1.deliver',
  'a b.v1.deliver',
  'a.v1.deliver.dead',
  'a.v1.journal.2h',
  'a.v1.journals',
  'a.v1.ticks.1s',
  'a.v1.recurring.1h',
])('leaves %j to users', (name) => {
  expect(namespacesOf(name)).toEqual([])
})

it('knows the exchanges and the streams of the logs, and the locks of the streams', () => {
  const names = new Names('own')
  const layouts = [cancellationLayout(names), journalLayout(names), recurringLayout(names)]
  const all = layouts.flatMap((layout) => [
    ...layout.parts().map(({ name }) => name),
    ...layout.horizons.map((horizon) => layout.lock(horizon)),
  ])
  expect(all.filter((name) => !namespacesOf(name).includes('own'))).toEqual([])
})

test('a name may belong to several namespaces', () => {
  expect(namespacesOf('a.v1.to.b.v1.deliver')).toEqual(['a', 'a.v1.to.b'])
})

it('refuses names of its own namespace, and asks the broker once about others', async () => {
  const asked: string[] = []
  const there = ['there.v1.deliver', 'there.v1.unroutable', 'half.v1.deliver']
  const names = new ReservedNames(new Names('own'), (exchange) => {
    asked.push(exchange)
    return Promise.resolve(there.includes(exchange))
  })
  const refused = (queue: string) =>
    names.check({ queue }).then(
      () => false,
      (error: unknown) => (error as { code: string }).code === 'RESERVED_NAME',
    )
  expect(await refused('own.v1.wait.1s')).toBe(true)
  expect(asked).toEqual([])
  expect(await refused('there.v1.wait.1s')).toBe(true)
  expect(await refused('half.v1.deliver')).toBe(false)
  expect(await refused('orders.v1.deliver')).toBe(false)
  asked.length = 0
  expect(names.isUsers({ queue: 'orders.v1.deliver' })).toBe(true)
  expect(await refused('orders.v1.deliver')).toBe(false)
  expect(asked).toEqual([])
  names.forget()
  expect(names.isUsers({ queue: 'orders.v1.deliver' })).toBe(false)
})

test('reserved names are refused without a broker too', async () => {
  await using test = await testDueque({ queues: ['q'] })
  const queue = 'dueque.v1.wait.1s'
  const note = defineMessage('note', z.number())
  expect(await rejection(test.mq.schedule(note, 1, { to: { queue }, in: 0 }))).toMatchObject({ code: 'RESERVED_NAME' })
  expect(await rejection(test.mq.consume(queue, [on(note, () => undefined)]))).toMatchObject({ code: 'RESERVED_NAME' })
})
