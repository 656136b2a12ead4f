import { expect, test } from 'vitest'
import { isDuequeError, type OnConflict } from '../../../src/index.js'
import { useVhost } from '../../support/broker.js'
import { usePostgres } from '../../support/postgres.js'
import { openWorld } from '../amqp-world.js'
import { note, unique } from '../recorder.js'
import { connectPostgres, poolOf, uniqueSchema } from './store.js'

const vhost = useVhost()
const database = usePostgres()

test.for<OnConflict>(['error', 'ignore', 'replace'])(
  'of many concurrent schedules of one id with onConflict %s, one waits',
  async (onConflict) => {
    const [queue, schema] = [unique('conflict'), uniqueSchema()]
    await openWorld(vhost.url).declareQueue(queue)
    const open = () => connectPostgres(vhost.url, { pool: poolOf(database.url), schema, relay: false })
    const producers = [await open(), await open()]
    for (let round = 0; round < 20; round++) {
      const id = unique('id')
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          producers[n % 2]!.schedule(note, { n }, { to: { queue }, in: '1h', id, onConflict }).catch((e: unknown) => e),
        ),
      )
      const page = await producers[0]!.list({ destination: { queue } })
      const waiting = page.messages.filter((message) => message.id === id)
      expect(waiting).toHaveLength(1)
      const conflicts = outcomes.filter((outcome) => isDuequeError(outcome, 'CONFLICT'))
      expect(conflicts).toHaveLength(onConflict === 'error' ? 7 : 0)
      // An ignored schedule returns the receipt of the waiting message.
      if (onConflict === 'ignore') for (const outcome of outcomes) expect(outcome).toEqual(waiting[0]!.receipt)
    }
  },
)

test('without onConflict two schedules both wait, and repetitions add none', async () => {
  const queue = unique('both')
  await openWorld(vhost.url).declareQueue(queue)
  const mq = await connectPostgres(vhost.url, { pool: poolOf(database.url), relay: false })
  const options = { to: { queue }, in: '1h', id: unique('id') }
  const [first] = await Promise.all([mq.schedule(note, { n: 1 }, options), mq.schedule(note, { n: 2 }, options)])
  const repeat = { to: { queue }, repeat: first }
  await Promise.all(Array.from({ length: 10 }, () => mq.schedule(note, { n: 1 }, repeat)))
  expect(await mq.count()).toBe(2)
})
