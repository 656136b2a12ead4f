import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isDuequeError, type DelayedMessage, type Receipt } from '../../../src/index.js'
import { failure } from '../../support/mq.js'
import { Recorder, note, unique } from '../recorder.js'
import type { Orm } from './orms/orm.js'
import type { PostgresDueque } from './store.js'

/** What the cases of all ORMs share. */
export interface OrmWorld {
  readonly url: string
  /** Beside all ORMs. */
  readonly pool: Pool
  readonly mq: PostgresDueque
  readonly declareQueue: (name: string) => Promise<void>
}

/** All that has a meaning in SQL, in array literals, in JSON, or in the parameters of an ORM. */
const ODD = `'"\\{},NULL ?:a $1 \\x41 \u0000\ud800 é 日 😀\n`
const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)

/** The same for every ORM, whose own objects differ. The table `own` has a column `id`. */
export function ormCases(name: string, open: (url: string) => Orm | Promise<Orm>, world: () => OrmWorld): void {
  describe(name, () => {
    let orm: Orm
    beforeAll(async () => {
      orm = await open(world().url)
    })
    afterAll(() => orm.end())

    /** A queue, with three waiting messages in it. */
    async function waiting() {
      const { mq, declareQueue } = world()
      const to = { queue: unique('orm') }
      await declareQueue(to.queue)
      const ids = [0, 1, 2].map((n) => `${unique(ODD)}-${n}`)
      const receipts: Receipt[] = []
      for (const [n, id] of ids.entries()) receipts.push(await mq.schedule(note, { n }, { to, in: '1h', id }))
      const list = async () => (await mq.list({ destination: to })).messages
      const numbers = async () => (await list()).map(({ payload }) => (payload as { n: number }).n)
      return { mq, to, ids, receipts, list, numbers }
    }

    const ownRows = async (id: string) => (await world().pool.query('SELECT FROM own WHERE id = $1', [id])).rowCount

    test('messages scheduled in a transaction wait from its commit on, as they were given', async () => {
      const { mq, to, numbers } = await waiting()
      const [id, own] = [unique(ODD), unique('own')]
      const headers = { odd: ODD }
      await orm.transaction(async ({ transaction, run }) => {
        await run(`INSERT INTO own VALUES ('${own}')`)
        await mq.schedule(note, { n: 3, text: ODD }, { to, in: '2h', id, headers, priority: 1, transaction })
        const items = [4, 5].map((n) => ({ message: note, payload: { n }, options: { to, in: '3h', transaction } }))
        expect(await mq.scheduleAll(items)).toMatchObject({ scheduled: 2, failed: 0 })
        expect(await numbers()).toEqual([0, 1, 2])
      })
      expect((await numbers()).toSorted()).toEqual([0, 1, 2, 3, 4, 5])
      expect(await mq.get(id)).toMatchObject({ id, payload: { n: 3, text: ODD }, headers })
      expect(await ownRows(own)).toBe(1)
    })

    test('a body of any bytes comes through', async () => {
      const { mq, to, receipts } = await waiting()
      const dueAt = Date.parse(receipts[0]!.dueAt)
      const common = {
        name: ODD,
        version: 1,
        dueAt,
        destination: to,
        headers: {},
        scheduledAt: 0,
        revision: 1,
        attempt: 1,
      }
      const message: DelayedMessage = { ...common, id: unique(ODD), body: BYTES } as DelayedMessage
      await orm.transaction(({ transaction }) => mq.strategy.schedule(message, { declare: false, transaction }))
      const [found] = await mq.strategy.waitlist.find(message.id)
      expect(found?.name).toBe(ODD)
      expect(Uint8Array.from(found!.body)).toEqual(BYTES)
    })

    test('a rollback takes back what was scheduled, cancelled and rescheduled', async () => {
      const { mq, to, ids, receipts, list } = await waiting()
      const [before, own] = [await list(), unique('own')]
      const rolledBack = orm.transaction(async ({ transaction, run }) => {
        await run(`INSERT INTO own VALUES ('${own}')`)
        await mq.schedule(note, { n: 3 }, { to, in: '1h', transaction })
        expect(await mq.cancel(ids[0]!, { transaction })).toBe('cancelled')
        expect(await mq.cancelAll([receipts[1]!], { transaction })).toMatchObject({ cancelled: 1 })
        const moved = await mq.reschedule(receipts[2]!, { in: 0, transaction })
        expect(moved).toMatchObject({ id: ids[2], replaced: 'cancelled' })
        throw new Error('back')
      })
      await expect(rolledBack).rejects.toThrow('back')
      expect(await list()).toEqual(before)
      expect(await ownRows(own)).toBe(0)
    })

    test('a nested transaction, where there are some, is rolled back alone', async () => {
      const { mq, to, numbers } = await waiting()
      const hasSome = await orm.transaction(async ({ transaction, nested }) => {
        await mq.schedule(note, { n: 3 }, { to, in: '1h', transaction })
        if (!nested) return false
        const rolledBack = nested(async (inner) => {
          await mq.schedule(note, { n: 4 }, { to, in: '1h', transaction: inner })
          throw new Error('back')
        })
        await expect(rolledBack).rejects.toThrow('back')
        await nested((inner) => mq.schedule(note, { n: 5 }, { to, in: '1h', transaction: inner }))
        return true
      })
      expect((await numbers()).toSorted()).toEqual(hasSome ? [0, 1, 2, 3, 5] : [0, 1, 2, 3])
    })

    test('cancellations and reschedules count from the commit on, and their answers are exact inside of it', async () => {
      const { mq, to, ids, receipts, list, numbers } = await waiting()
      const recorder = await Recorder.on(mq, to.queue)
      await orm.transaction(async ({ transaction }) => {
        expect(await mq.cancel(receipts[0]!, { transaction })).toBe('cancelled')
        expect(await mq.cancel(receipts[0]!, { transaction })).toBe('not-waiting')
        expect(await mq.reschedule(ids[0]!, { in: 0, transaction })).toBeUndefined()
        const content = { message: note, payload: { n: 10, text: ODD } }
        expect(await mq.reschedule(ids[1]!, { in: '2h', transaction }, content)).toMatchObject({ id: ids[1] })
        const other = await mq.schedule(note, { n: 11 }, { to, in: '1h', transaction })
        const both = await mq.cancelAll([receipts[2]!, other, 'nothing'], { transaction })
        expect(both).toMatchObject({ cancelled: 2, notWaiting: 1, failed: 0 })
        expect(await numbers()).toEqual([0, 1, 2])
      })
      expect((await list()).map(({ id, payload }) => ({ id, payload }))).toEqual([
        { id: ids[1], payload: { n: 10, text: ODD } },
      ])
      await orm.transaction(({ transaction }) => mq.reschedule(ids[1]!, { in: 1, transaction }))
      await recorder.has(1)
      expect(recorder.deliveries[0]!.payload).toEqual({ n: 10, text: ODD })
      expect(recorder.early).toEqual([])
    })

    test.each(['error', 'ignore', 'replace'] as const)('onConflict %s', async (onConflict) => {
      const { mq, to, ids, receipts, numbers } = await waiting()
      await orm.transaction(async ({ transaction, run }) => {
        const options = { to, in: '1h', id: ids[0]!, onConflict, transaction }
        const answer = await mq.schedule(note, { n: 3 }, options).catch((error: unknown) => error)
        if (onConflict === 'ignore') expect(answer).toEqual(receipts[0])
        if (onConflict === 'error') expect(isDuequeError(answer, 'CONFLICT') && answer.outcome).toBe('refused')
        await run('SELECT 1')
      })
      expect((await numbers()).toSorted()).toEqual(onConflict === 'replace' ? [1, 2, 3] : [0, 1, 2])
    })

    test('an error of the server comes as it is, without SQL and values', async () => {
      const { mq, to } = await waiting()
      const failed = orm.transaction(async ({ transaction, run }) => {
        await Promise.resolve(run('SELECT 1/0')).catch(() => undefined)
        throw await failure(mq.schedule(note, { n: 3, text: 'secret' }, { to, in: '1h', transaction }))
      })
      const message = 'current transaction is aborted, commands ignored until end of transaction block'
      expect(await failure(failed)).toMatchObject({
        code: 'STORE_ERROR',
        outcome: 'refused',
        message: `postgres: ${message}`,
        cause: { message, code: '25P02' },
      })
    })

    test('anything but an open transaction that may write is refused, and nothing is changed', async () => {
      const { mq, to, ids, list } = await waiting()
      const before = await list()
      const refused = { code: 'INVALID_OPTION', outcome: 'refused', data: { option: 'transaction' } }
      for (const wrong of [orm.pool, {}, undefined, 'BEGIN'])
        expect(thrown(() => orm.from(wrong as never))).toMatchObject({
          ...refused,
          message: expect.stringContaining(name) as string,
        })
      const over = await orm.transaction(async ({ transaction, own, run }) => {
        for (const unwrapped of [own, orm.pool]) {
          const error = await failure(mq.schedule(note, { n: 3 }, { to, in: 0, transaction: unwrapped as never }))
          expect(error).toMatchObject({ ...refused, message: expect.stringContaining(orm.from.name) as string })
        }
        await run('SELECT 1')
        return transaction
      })
      await expectRefused(over, 'commit')
      await orm.transaction(async ({ transaction, run }) => {
        await run('SET TRANSACTION READ ONLY')
        await expectRefused(transaction, 'write')
      })
      expect(await list()).toEqual(before)

      async function expectRefused(transaction: typeof over, what: string) {
        const attempts = [
          () => mq.schedule(note, { n: 3 }, { to, in: 0, transaction }),
          () => mq.schedule(note, { n: 3 }, { to, in: 0, id: ids[0]!, onConflict: 'replace', transaction }),
          () => mq.cancel(ids[0]!, { transaction }),
          () => mq.reschedule(ids[1]!, { in: 0, transaction }),
        ]
        for (const attempt of attempts) {
          const error = await failure(attempt())
          expect(error).toMatchObject({ ...refused, message: expect.stringContaining(what) as string })
        }
      }
    })
  })
}

function thrown(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
