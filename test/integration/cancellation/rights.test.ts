import { beforeAll, describe, expect, test } from 'vitest'
import { Layout } from '../../../src/amqp/topology/layout.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { on, type ConnectOptions, type LadderStrategy } from '../../../src/index.js'
import { LadderLayout } from '../../../src/strategies/ladder/ladder-layout.js'
import { applyAs, applyCancellations } from '../../strategies/trust-world.js'
import { note, Recorder, unique } from '../../strategies/recorder.js'
import { managementUrl, poll, useVhost } from '../../support/broker.js'
import { failure, open } from '../../support/mq.js'
import { PATTERNS, userWith, type Permissions } from '../../support/users.js'

const vhost = useVhost()
const queue = unique('work')
const handlers = [on(note, () => undefined)]
const toExchange = { permission: 'write', resource: 'exchange dueque.v1.cancellations' }

async function as(permissions: Permissions, options: ConnectOptions<LadderStrategy> = {}) {
  const url = await userWith(vhost, permissions)
  return open(url, { topology: 'trust', cancellations: { marginMs: 100 }, ...options })
}

describe.skipIf(managementUrl() === undefined)(
  'cancelling with least privilege (the management API makes the users)',
  () => {
    beforeAll(async () => {
      const layout = new Layout(new Names('dueque'), 'quorum')
      const all = [...layout.base(), ...new LadderLayout(layout.names).everything('quorum', 1)]
      // A message that waits for five seconds needs no other rungs.
      const few = all.filter(({ name }) => !name.includes('.wait.') || /wait\.(4s|5s|\d+ms)$/.test(name))
      const parts = few.filter((part) => part.kind !== 'binding' || !/^dq~(?!0|end~|4s|5s|\d+ms)/.test(part.key))
      await applyAs(vhost.url, [...parts, ...layout.workQueue(queue)])
      await applyCancellations(vhost.url)
    })

    test('one user schedules, one cancels and one consumes, each with its own rights alone', async () => {
      const [producer, canceller, consumer] = await Promise.all([
        as(PATTERNS.producer),
        as(PATTERNS.canceller),
        as(PATTERNS.consumer(queue)),
      ])
      const recorder = await Recorder.on(consumer, queue)
      const schedule = (n: number) => producer.schedule(note, { n }, { to: { queue }, in: '5s' })
      const [gone] = await Promise.all([schedule(1), schedule(2)])
      expect(await canceller.cancel(gone)).toBe('cancelled')
      await recorder.has(1)
      await poll(() => consumer.health().cancellations?.records === 1, { what: 'the record to be read' })
      expect(recorder.numbers).toEqual([2])
    })

    test('a producer that cancels needs one right more, and without it gets an error that names it', async () => {
      const receipt = await (
        await as(PATTERNS.cancellingProducer)
      ).schedule(note, { n: 1 }, { to: { queue }, in: '5s' })
      expect(await (await as(PATTERNS.cancellingProducer)).cancel(receipt)).toBe('cancelled')
      expect(await failure((await as(PATTERNS.producer)).cancel(receipt))).toMatchObject({
        code: 'PERMISSION_DENIED',
        outcome: 'refused',
        data: toExchange,
      })
      const scheduled = (await as(PATTERNS.canceller)).schedule(note, { n: 2 }, { to: { queue }, in: '5s' })
      expect(await failure(scheduled)).toMatchObject({ code: 'PERMISSION_DENIED' })
    })

    test.each([
      ['no stream, like a user made for an older version', PATTERNS.heedlessConsumer(queue).read, ''],
      ['all streams but one', String.raw`^(dueque\.v1\.(unroutable|cancellations\.(?!3d).+)|${queue})$`, '3d'],
    ])(
      "a consumer that may read %s gets an error that names the right, unless cancellations are 'off'",
      async (_, read, stream) => {
        const mq = await as({ ...PATTERNS.consumer(queue), read })
        expect(await failure(mq.consume(queue, handlers))).toMatchObject({
          code: 'PERMISSION_DENIED',
          data: {
            permission: 'read',
            resource: expect.stringContaining(`queue dueque.v1.cancellations.${stream}`) as string,
          },
          message: expect.stringContaining("cancellations: 'off'") as string,
        })
        const recorder = await Recorder.on(mq, queue, { cancellations: 'off' })
        await mq.schedule(note, { n: 3 }, { to: { queue }, in: 0 })
        await poll(() => recorder.numbers.includes(3), { what: 'the message', timeoutMs: 30_000 })
      },
    )

    test('streams that nobody has declared are an error that says how to declare them', async () => {
      const own = unique('own')
      const layout = new Layout(new Names('none'), 'quorum')
      await applyAs(vhost.url, [
        ...layout.base(),
        ...new LadderLayout(layout.names).exchanges(),
        ...layout.workQueue(own),
      ])
      const mq = await open(vhost.url, { topology: 'trust', namespace: 'none' })
      const missing = { code: 'TOPOLOGY_MISSING', message: expect.stringContaining('dueque topology apply') as string }
      expect(await failure(mq.cancel('id'))).toMatchObject(missing)
      expect(await failure(mq.consume(own, handlers))).toMatchObject({
        ...missing,
        data: { resource: expect.stringContaining('queue none.v1.cancellations.') as string },
      })
      await mq.consume(own, handlers, { cancellations: 'off' })
    })

    test('without trust, the rights that users had before cancellations are enough', async () => {
      const own = unique('own')
      const names = String.raw`dueque\.v1\..*`
      const producer = { configure: `^${names}$`, write: `^(${names}|${own})$`, read: `^${names}$` }
      const [mine, theirs] = [`^(${names}|${own}|${own}\\.dead)$`, `^(${names}|${own})$`]
      const consumer = await as({ configure: mine, write: mine, read: theirs }, { topology: 'declare' })
      const recorder = await Recorder.on(consumer, own)
      const mq = await as(producer, { topology: 'declare' })
      const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue: own }, in: '5s' })
      const [gone] = await Promise.all([schedule(1), schedule(2)])
      expect(await mq.cancel(gone)).toBe('cancelled')
      await recorder.has(1)
      expect(recorder.numbers).toEqual([2])
    })

    test.each([
      ['configure', 'queue dueque.v1.cancellations.', String.raw`^(?!dueque\.v1\.cancellations\.).*`],
      ['write', 'queue dueque.v1.cancellations.', String.raw`^(?!dueque\.v1\.cancellations\.).*`],
      ['read', 'exchange dueque.v1.cancellations', String.raw`^(?!dueque\.v1\.cancellations$).*`],
    ] as const)(
      'without trust, a consumer without %s permission on %s gets an error that names it',
      async (permission, resource, pattern) => {
        const all = { configure: '.*', write: '.*', read: '.*' }
        const mq = await as({ ...all, [permission]: pattern }, { topology: 'declare' })
        expect(await failure(mq.consume(queue, handlers))).toMatchObject({
          code: 'PERMISSION_DENIED',
          data: { permission, resource: expect.stringContaining(resource) as string },
        })
      },
    )
  },
)
