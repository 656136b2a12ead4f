import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { rawChannel } from '../support/mq.js'
import { documents, run, start, unique } from './dueque.js'

const vhost = useVhost()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dueque-recurring-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Each test has a namespace of its own. */
function cli() {
  const env = { AMQP_URL: vhost.url, DUEQUE_NAMESPACE: unique('ns') }
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(['recurring', ...args, '--json'], env)
    return { code, documents: documents(stdout), stderr }
  }
  return { env, json, text: (...args: string[]) => run(['recurring', ...args], env) }
}

test('a schedule is set, paused, listed, triggered, filled in, resumed and removed', async () => {
  const { text, json } = cli()
  const queue = unique('reports')
  const args = ['--cron', '0 9 * * *', '--tz', 'Europe/Berlin', '--queue', queue, '--declare', '--name', 'report']
  const set = await text('set', 'report', ...args, '--data', '{"kind":"daily"}', '--note', 'for the board')
  expect(set).toMatchObject({ code: 0, stderr: '' })
  expect(set.stdout).toMatch(/^set report\nid +report\nnote +for the board\n(.*\n)+next +\d{4}-.*\n( +\d{4}-.*\n){9}$/)
  expect((await json('pause', 'report', 'none')).documents).toEqual([
    { id: 'report', paused: true },
    { id: 'none', paused: false },
  ])
  const [list, triggered, filled, unknown] = await Promise.all([
    text('list'),
    json('trigger', 'report'),
    json('backfill', 'report', '--from', '2026-01-01T00:00:00Z', '--to', '2026-01-03T00:00:00Z'),
    text('show', 'none'),
  ])
  expect(list.stdout).toMatch(/^ID +NAME +.*\nreport +report +queue:\S+ +0 9 \* \* \* Europe\/Berlin +paused\n$/)
  expect(triggered.documents).toMatchObject([{ destination: { queue } }])
  expect(filled.documents).toEqual([{ scheduled: 2, failed: 0 }])
  expect(unknown).toMatchObject({ code: 1, stdout: '' })
  expect(unknown.stderr).toMatch(/^error: there is no recurring message with the id "none"/)
  const channel = await rawChannel(vhost.url)
  const count = async () => (await channel.checkQueue(queue)).messageCount
  await poll(async () => (await count()) === 3, { timeoutMs: 30_000, what: 'three messages' })
  expect(await text('resume', 'report')).toEqual({ code: 0, stdout: 'resumed report\n', stderr: '' })
  const [shown] = (await json('show', 'report')).documents
  expect(shown).toMatchObject({ id: 'report', paused: false, payload: { kind: 'daily' } })
  expect(shown!['next']).toHaveLength(10)
  expect((await text('remove', 'report')).stdout).toBe('removed report\n')
})

test('a file of schedules is checked as a whole, compared, and applied', async () => {
  const { text, json } = cli()
  const queue = unique('reports')
  const file = join(folder, `${queue}.yaml`)
  const schedule = (id: string, minute: number) => `- id: ${id}
  cron: ${minute} 9 * * *
  queue: ${queue}
  name: report
  data: { kind: ${id} }
`
  await writeFile(file, `${schedule('x', 0)}- id: y\n  evry: 5\n${schedule('x', 99)}`)
  const bad = await text('apply', file)
  expect(bad).toMatchObject({ code: 2, stdout: '' })
  expect(bad.stderr).toMatch(/nothing is changed\. \[1\] \("y"\): evry: .*every\?; \[2\] \("x"\): cron: /)
  await writeFile(file, schedule('a', 0) + schedule('b', 0))
  expect(await text('apply', file)).toMatchObject({ code: 1, stdout: '+ a\n+ b\n2 new, 2 failed\n' })
  expect((await text('apply', file, '--declare')).stdout).toBe('+ a\n+ b\n2 new\n')
  await text('pause', 'a')
  await writeFile(file, schedule('a', 30) + schedule('c', 0))
  const dry = await text('apply', file, '--prune', '--dry-run')
  expect(dry.stdout).toBe(
    '~ a\n    cron: "0 9 * * *" → "30 9 * * *"\n+ c\n- b\n1 new, 1 changed, 1 removed; nothing is written (--dry-run)\n',
  )
  const changed = await json('apply', file, '--prune')
  expect(changed.documents).toEqual([
    { id: 'a', change: 'changed', fields: [{ field: 'cron', from: '0 9 * * *', to: '30 9 * * *' }] },
    { id: 'c', change: 'new', fields: [] },
    { id: 'b', change: 'removed', fields: [] },
    { new: 1, changed: 1, removed: 1, unchanged: 0, failed: 0, dryRun: false },
  ])
  const { documents: list } = await json('list')
  expect(list.map(({ id, paused }) => [id, paused])).toEqual([
    ['a', true],
    ['c', false],
  ])
})

test('the ticker runs schedules, tells its health, and ends on SIGTERM', async () => {
  const { env, text } = cli()
  const queue = unique('beats')
  const ticker = start(['ticker', '--health-port', '0', '--json'], env)
  let out = ''
  ticker.child.stdout.on('data', (more: string) => (out += more))
  await ticker.printed(1)
  const [started] = documents(out)
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${String(started!['healthPort'])}/health`)
    return { status: response.status, ...((await response.json()) as object) }
  }
  await text('set', 'beat', '--every', '1s', '--queue', queue, '--declare', '--data', 'null')
  const channel = await rawChannel(vhost.url)
  await poll(async () => (await channel.checkQueue(queue)).messageCount >= 2, { timeoutMs: 30_000, what: 'two beats' })
  expect(await health()).toMatchObject({ status: 200, ok: true, recurring: { state: 'active' } })
  ticker.child.kill('SIGTERM')
  const { code, stdout, stderr } = await ticker.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(documents(stdout).at(-1)).toEqual({ ticker: 'stopped' })
})
