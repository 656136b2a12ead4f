import { beforeAll, describe, expect, test } from 'vitest'
import { Layout } from '../../../src/amqp/topology/layout.js'
import { Names } from '../../../src/amqp/topology/names.js'
import { ladder } from '../../../src/index.js'
import { HORIZONS } from '../../../src/log/horizons.js'
import { cancellationLayout, journalLayout } from '../../../src/log/log-layout.js'
import { diagnose, type DiagnoseOptions } from '../../../src/operate/doctor/diagnose.js'
import { statusReport } from '../../../src/operate/status.js'
import { removeTopology } from '../../../src/operate/topology/remove.js'
import { verifyTopology } from '../../../src/operate/topology/verify.js'
import { LadderLayout } from '../../../src/strategies/ladder/ladder-layout.js'
import { note, unique } from '../../strategies/recorder.js'
import { applyAs, applyLog } from '../../strategies/trust-world.js'
import { management, managementUrl, poll, useVhost } from '../../support/broker.js'
import { failure, open, rawChannel } from '../../support/mq.js'
import { PATTERNS, userWith, type Permissions } from '../../support/users.js'

const vhost = useVhost()

function world() {
  const namespace = unique('ns')
  const layout = journalLayout(new Names(namespace))
  const streams = HORIZONS.map((horizon) => layout.stream(horizon))
  const options = { url: vhost.url, logger: false, namespace, management: managementUrl() } as const
  const journalling = () => open(vhost.url, { namespace, queueType: 'classic', strategy: ladder({ journal: true }) })
  return { namespace, layout, streams, options, journalling }
}

async function findings(options: DiagnoseOptions, area: string) {
  const { findings } = await diagnose({ logger: false, management: managementUrl(), roundTrip: false, ...options })
  return findings.filter((one) => one.area === area)
}

const codes = async (options: DiagnoseOptions, area = 'journal') =>
  (await findings(options, area)).map(({ severity, code }) => `${severity} ${code}`)

describe.skipIf(managementUrl() === undefined)('a journal, to an operator (skipped without the management API)', () => {
  test('verify compares it with what dueque declares, if it is asked for', async () => {
    const { layout, streams, options } = world()
    const gaps = async (journal: boolean) => {
      const { gaps } = await verifyTopology({ ...options, journal })
      return gaps.filter(({ name }) => name.startsWith(layout.exchange))
    }
    expect(await gaps(false)).toEqual([])
    const missing = streams.map((name) => ({ kind: 'queue', name, change: 'missing' }))
    expect(await gaps(true)).toEqual([{ kind: 'exchange', name: layout.exchange, change: 'missing' }, ...missing])
    await applyLog(vhost.url, layout)
    expect(await gaps(true)).toEqual([])
  })

  test('delete refuses while it has entries of messages that are not due, and leaves others out of account', async () => {
    const { namespace, layout, streams, options, journalling } = world()
    const queue = unique('work')
    const mq = await journalling()
    const send = (delay: string) => mq.schedule(note, { n: 1 }, { to: { queue }, in: delay, declare: true })
    await send('100ms')
    await Promise.all([send('30m'), send('2h')])
    const channel = await rawChannel(vhost.url)
    // Its messages are lost: the journal is all that knows them.
    for (const rung of ['30m', '2h']) await channel.deleteQueue(`${namespace}.v1.wait.classic.${rung}`)
    const entries = { changes: [], refused: { name: streams[0], messages: 1, what: 'journal', moreQueues: 1 } }
    await poll(async () => (await removeTopology(options)).refused?.what !== 'messages', {
      what: 'the totals',
      timeoutMs: 30_000,
    })
    expect(await removeTopology(options)).toEqual(entries)
    await mq.close()
    const { changes } = await removeTopology({ ...options, force: true })
    expect(changes.map(({ name }) => name)).toEqual(expect.arrayContaining([layout.exchange, ...streams]))
  })

  test('status and doctor say whether there is one, since when, and how many records it has', async () => {
    const { namespace, streams, options, journalling } = world()
    await (
      await open(vhost.url, { namespace, queueType: 'classic' })
    ).schedule(note, { n: 0 }, { to: { queue: unique('w') }, in: '1h', declare: true })
    expect(await statusReport(options)).toMatchObject({ journal: null })
    expect(await codes(options)).toEqual(['note journal-none'])

    const before = Date.now()
    const mq = await journalling()
    const queue = unique('work')
    for (const n of [1, 2, 3]) await mq.schedule(note, { n }, { to: { queue }, in: '1h', declare: true })
    const { journal } = await statusReport(options)
    expect(journal).toEqual({ since: expect.any(String) as string, records: 3 })
    expect(Math.abs(Date.parse(journal!.since!) - before)).toBeLessThan(60_000)
    expect(await codes(options)).toEqual(['ok journal'])
    const items = Array.from({ length: 500 }, () => ({
      message: note,
      payload: { n: 4 },
      options: { to: { queue }, in: '1h' },
    }))
    expect(await mq.scheduleAll(items)).toMatchObject({ scheduled: 500 })
    const { records } = (await statusReport(options)).journal!
    // An estimate, since many records may travel in one message of the stream.
    expect(records).toBeGreaterThan(250)
    expect(records).toBeLessThan(1000)

    const path = `/policies/${vhost.name}/${unique('trim')}`
    const definition = { 'max-age': '1h', 'max-length-bytes': 1_000_000 }
    await management(path, {
      method: 'PUT',
      body: { pattern: `^${namespace}.*journal`, definition, 'apply-to': 'queues' },
    })
    expect((await codes(options, 'policies')).toSorted()).toEqual([
      'error policy-max-age',
      'error policy-max-length-bytes',
    ])
    await management(path, { method: 'DELETE' })

    await (await rawChannel(vhost.url)).deleteQueue(streams[2]!)
    expect(await codes(options)).toEqual(['error queue-missing', 'error binding-missing'])
  })
})

describe.skipIf(managementUrl() === undefined)(
  'a journal with least privilege (the management API makes the users)',
  () => {
    const queue = unique('work')
    const inAnHour = { to: { queue }, in: '1h' } as const

    const as = async (permissions: Permissions) => {
      const url = await userWith(vhost, permissions)
      // So that one rung will do, however long the first schedule takes.
      const strategy = ladder({ journal: true, tolerance: () => 60_000 })
      return { url, mq: await open(url, { topology: 'trust', strategy }) }
    }
    const permissions = async (url: string, queues: string[] = []) => {
      const found = await findings({ url, topology: 'trust', journal: true, queues }, 'permissions')
      return found.map(({ severity, what }) => `${severity} ${what.replace(/^user \S+ /, '')}`)
    }

    beforeAll(async () => {
      const base = new Layout(new Names('dueque'), 'quorum')
      const all = new LadderLayout(base.names).everything('quorum', 1)
      const few = all.filter(({ name }) => !name.includes('.wait.') || /wait\.1h$/.test(name))
      const parts = few.filter((part) => part.kind !== 'binding' || !/^dq~(?!0|end~|1h)/.test(part.key))
      await applyAs(vhost.url, [...base.base(), ...parts, ...base.workQueue(queue)])
      for (const log of [journalLayout(base.names), cancellationLayout(base.names)]) await applyLog(vhost.url, log)
    })

    test('a producer needs the right to write to its exchange, and without it schedules nothing', async () => {
      const { url, mq } = await as(PATTERNS.journallingProducer)
      await mq.schedule(note, { n: 1 }, inAnHour)
      expect(await permissions(url)).toEqual(['ok may schedule in namespace dueque.v1'])
      const without = await as(PATTERNS.producer)
      expect(await failure(without.mq.schedule(note, { n: 2 }, inAnHour))).toMatchObject({
        code: 'PERMISSION_DENIED',
        outcome: 'refused',
        data: { permission: 'write', resource: 'exchange dueque.v1.journal' },
      })
      const [denied] = await permissions(without.url)
      expect(denied).toBe('error has no write permission on dueque.v1.journal')
    })

    test('one user schedules, one lists, and one moves and cancels, each with its own rights alone', async () => {
      const [producer, lister, operator] = await Promise.all([
        as(PATTERNS.journallingProducer),
        as(PATTERNS.lister),
        as(PATTERNS.operatingProducer),
      ])
      const id = unique('id')
      const receipt = await producer.mq.schedule(note, { n: 1 }, { ...inAnHour, id })
      expect(await lister.mq.list({ idPrefix: id })).toMatchObject({ messages: [{ id, receipt: { id } }] })
      const moved = await operator.mq.reschedule(receipt, { in: '1h' })
      expect(moved).toMatchObject({ id, replaced: 'cancelled' })
      expect((await lister.mq.get(id))?.receipt.revision).toBe(moved!.revision)
      expect(await operator.mq.cancel(moved!)).toBe('cancelled')
      expect(await lister.mq.count({ idPrefix: id })).toBe(0)
      const denied = { code: 'PERMISSION_DENIED', data: { permission: 'read' } }
      expect(await failure(producer.mq.count())).toMatchObject(denied)
    })

    test('status reads it for a user who may read its streams, and says why for another', async () => {
      const url = new URL(managementUrl()!)
      const { username, password } = new URL(vhost.url)
      Object.assign(url, { username, password })
      const of = async (permissions: Permissions) => {
        const user = await userWith(vhost, permissions)
        return (await statusReport({ url: user, logger: false, management: url.href })).journal
      }
      expect(await of(PATTERNS.lister)).toEqual({
        since: expect.any(String) as string,
        records: expect.any(Number) as number,
      })
      expect(await of(PATTERNS.journallingProducer)).toEqual({
        since: null,
        records: null,
        unread: expect.stringContaining('dueque.v1.journal.') as string,
      })
    })

    test('doctor knows who may list, and a consumer that writes its retries into it', async () => {
      const { url } = await as(PATTERNS.operatingProducer)
      expect(await permissions(url)).toEqual(['ok may schedule, cancel and list in namespace dueque.v1'])
      const consumer = await userWith(vhost, PATTERNS.journallingConsumer(queue))
      expect(await permissions(consumer, [queue])).toEqual([
        `ok may schedule in namespace dueque.v1, and consume ${queue}`,
      ])
    })
  },
)
