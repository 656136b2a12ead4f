import { connect, defineMessage, ladder, on } from 'dueque'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { poll, useVhost } from '../support/broker.js'
import { documents, run, unique } from './dueque.js'

const vhost = useVhost()
const env = () => ({ AMQP_URL: vhost.url })
const note = defineMessage('note', z.unknown())
const at = (day: number, hour = 0) => new Date(Date.UTC(2035, 0, day, hour))
const queue = unique('reminders')
const other = { queue: `${queue}-other` }
/** A namespace whose journal keeps no bodies. */
const bare = unique('bare')

beforeAll(async () => {
  const mq = await connect({ url: vhost.url, strategy: ladder({ journal: true }) })
  const to = { queue }
  for (const [id, when, tenant] of [
    ['day-3', at(3), 'a'],
    ['day-1', at(1), 'b\u001b'],
    ['day-1%', at(1, 5), 'a'],
  ] as const)
    await mq.schedule(note, { id }, { to, at: when, id, headers: { tenant }, declare: true })
  for (const n of [1, 2, 3])
    await mq.schedule(defineMessage('bulk', z.unknown()), n, {
      to: other,
      at: at(9, n),
      id: `bulk-${n}`,
      declare: true,
    })
  await mq.close()
  const without = await connect({ url: vhost.url, namespace: bare, strategy: ladder({ journal: { bodies: false } }) })
  await without.schedule(note, 'secret', { to: { queue: `${bare}-q` }, at: at(1), id: 'bare', declare: true })
  await without.close()
})

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await run([...args, '--json'], env())
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return documents(stdout)
}

test('list shows the messages of a journal by due time, in pages and by each filter', async () => {
  const ids = async (...args: string[]) => (await json('list', ...args)).map(({ id }) => id)
  const [text, page, prefixed, headed, some] = await Promise.all([
    run(['list', '--queue', queue], env()),
    json('list', '--queue', queue, '--limit', '2'),
    ids('--id-prefix', 'day-1%'),
    ids('--header', 'tenant=a', '--to', '2035-01-03T00:00:00Z'),
    ids('--name', 'bulk', '--queue', other.queue, '--from', '2035-01-09T02:00:00Z'),
  ])
  expect(text).toMatchObject({ code: 0, stderr: '' })
  const lines = text.stdout.trimEnd().split('\n')
  expect(lines.map((line) => line.split(/ +/)[0])).toEqual(['ID', 'day-1', 'day-1%', 'day-3'])
  expect(page).toMatchObject([{ id: 'day-1', payload: { id: 'day-1' }, destination: { queue } }, { id: 'day-1%' }, {}])
  expect(await ids('--queue', queue, '--cursor', page[2]!['cursor'] as string)).toEqual(['day-3'])
  expect(prefixed).toEqual(['day-1%'])
  expect(headed).toEqual(['day-1%'])
  expect(some).toEqual(['bulk-2', 'bulk-3'])
})

test('count counts them, also by day', async () => {
  const [count, days, table] = await Promise.all([
    run(['count', '--queue', queue], env()),
    json('count', '--queue', queue, '--by', 'day'),
    run(['count', '--id-prefix', 'day-1', '--by', 'hour'], env()),
  ])
  expect(count).toEqual({ code: 0, stdout: '3\n', stderr: '' })
  expect(days).toEqual([
    { from: at(1).toISOString(), count: 2 },
    { from: at(3).toISOString(), count: 1 },
  ])
  expect(table).toMatchObject({ code: 0, stderr: '' })
  expect(
    table.stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(/ +/)),
  ).toEqual([
    [at(1).toISOString(), '1'],
    [at(1, 5).toISOString(), '1'],
  ])
})

test('show prints headers and payload, and says if the journal keeps no bodies', async () => {
  const [whole, without, missing] = await Promise.all([
    run(['show', 'day-1'], env()),
    run(['show', 'bare', '--namespace', bare], env()),
    run(['show', 'never'], env()),
  ])
  expect(whole).toMatchObject({ code: 0, stderr: '' })
  expect(whole.stdout).toMatch(/^ {2}tenant +"b\\u001b"$/m)
  expect(whole.stdout).toMatch(/^payload +\{"id":"day-1"\}$/m)
  expect(without).toMatchObject({ code: 0, stderr: '' })
  expect(without.stdout).toMatch(/^payload +\(the journal keeps no bodies\)$/m)
  expect(missing).toMatchObject({ code: 1, stdout: '' })
  expect(missing.stderr).toMatch(/^error: the journal has no waiting message with id "never": .+ without a journal\n$/)
})

test('reschedule takes the content from the journal, and the old message is dropped', async () => {
  const mq = await connect({ url: vhost.url, strategy: ladder({ journal: true }) })
  onTestFinished(() => mq.close())
  const to = { queue: unique('moved') }
  const seen: unknown[] = []
  await mq.consume(to.queue, [on(note, ({ id, payload, headers }) => void seen.push({ id, payload, headers }))])
  const message = { id: unique('moved'), payload: { n: 'ü' }, headers: { k: 'v' } }
  const { id, payload, headers } = message
  const { revision } = await mq.schedule(note, payload, { to, in: '1h', id, headers })
  const moved = await run(['reschedule', id, '--in', '2h'], env())
  expect(moved).toMatchObject({ code: 0, stderr: '' })
  expect(moved.stdout).toMatch(new RegExp(`^${id} is due .+Z\\n$`))
  expect((await mq.get(id))?.receipt.revision).toBeGreaterThan(revision)
  const [now, gone, bodiless] = await Promise.all([
    run(['reschedule', id, '--in', '1s', '--json'], env()),
    run(['reschedule', unique('never'), '--in', '1s'], env()),
    run(['reschedule', 'bare', '--in', '1h', '--namespace', bare], env()),
  ])
  expect(now).toMatchObject({ code: 0, stderr: '' })
  expect(documents(now.stdout)).toMatchObject([{ id, replaced: 'cancelled', destination: to }])
  expect(gone).toMatchObject({ code: 1, stdout: '' })
  expect(bodiless).toMatchObject({ code: 2, stdout: '' })
  expect(bodiless.stderr).toMatch(/^error: the journal keeps no bodies: give the payload, --data or --file/)
  await poll(() => seen.length > 0, { what: 'the message', timeoutMs: 30_000 })
  expect(seen).toEqual([message])
  expect(await mq.get(id)).toBeUndefined()
})

test('schedule and reschedule with content write into the journal if they are told to', async () => {
  const mq = await connect({ url: vhost.url, strategy: ladder({ journal: true }) })
  onTestFinished(() => mq.close())
  const id = unique('by-hand')
  const message = ['--queue', queue, '--data', '{"n":1}']
  const scheduled = await run(['schedule', ...message, '--in', '1h', '--id', id, '--journal'], env())
  expect(scheduled).toMatchObject({ code: 0, stderr: '' })
  const before = await mq.get(id)
  expect(before?.payload).toEqual({ n: 1 })
  const args = ['reschedule', id, ...message, '--in', '2h', '--due', before!.receipt.dueAt, '--journal', 'no-bodies']
  expect(await run(args, env())).toMatchObject({ code: 0, stderr: '' })
  const after = await mq.get(id)
  expect(after?.payload).toBeUndefined()
  expect(after!.readyAt.getTime()).toBeGreaterThan(before!.readyAt.getTime())
})

test('cancel --all cancels what fits, after a confirmation', async () => {
  const late = ['--queue', other.queue, '--from', '2035-01-09T02:00:00Z']
  const [unfiltered, unset, unconfirmed, mixed, stray] = await Promise.all([
    run(['cancel', '--all', '--yes'], env()),
    run(['cancel', '--all', '--id-prefix', '', '--yes'], env()),
    run(['cancel', '--all', ...late], env()),
    run(['cancel', 'bulk-1', '--all', ...late], env()),
    run(['cancel', 'bulk-1', ...late], env()),
  ])
  for (const wrong of [unfiltered, unset, unconfirmed, mixed, stray])
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(unfiltered.stderr).toContain('--all: which ones?')
  expect(unconfirmed.stderr).toContain('--yes')
  const cancelled = await run(['cancel', '--all', ...late, '--yes'], env())
  expect(cancelled).toEqual({ code: 0, stdout: '2 cancelled\n', stderr: '' })
  const [left, none, lines] = await Promise.all([
    json('list', '--queue', other.queue),
    run(['cancel', '--all', ...late, '--yes'], env()),
    json('cancel', '--all', '--id-prefix', 'bulk-', '--yes'),
  ])
  expect(left).toMatchObject([{ id: 'bulk-1' }])
  expect(none).toEqual({ code: 0, stdout: '0 cancelled\n', stderr: '' })
  expect(lines).toMatchObject([
    { id: 'bulk-1', outcome: 'cancelled' },
    { cancelled: 1, tooLate: 0, notWaiting: 0 },
  ])
})

test('without a journal the error says what would give one', async () => {
  const namespace = ['--namespace', unique('empty')]
  const looks = [
    ['reschedule', 'a', '--in', '1h'],
    ['cancel', '--all', '--name', 'a', '--yes'],
    ['show', 'a'],
    ['list'],
  ]
  // One after another: none declares what the next one looks for.
  for (const look of looks) {
    const { code, stdout, stderr } = await run([...look, ...namespace], env())
    expect({ look, code, stdout }).toEqual({ look, code: 4, stdout: '' })
    for (const part of ['has no journal', 'ladder({ journal: true })', 'topology apply --journal', '--redis URL'])
      expect(stderr).toContain(part)
  }
})
