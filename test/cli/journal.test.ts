import { expect, test } from 'vitest'
import { connect, ladder } from '../../src/index.js'
import { note } from '../strategies/recorder.js'
import { useVhost } from '../support/broker.js'
import { documents, run, unique } from './dueque.js'

const vhost = useVhost()
const IN_AN_HOUR = 3_600_000

async function source(queue: string, journal: true | { bodies: boolean } = true) {
  const namespace = unique('ns')
  const mq = await connect({ url: vhost.url, namespace, strategy: ladder({ journal }) })
  const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: IN_AN_HOUR, declare: true })
  const receipts = await Promise.all([0, 1, 2].map(schedule))
  await mq.cancel(receipts[0]!)
  await mq.close()
  return namespace
}

test('journal restore shows what it would do, and does it with --yes, once', async () => {
  const queue = unique('restore')
  const from = await source(queue)
  const args = ['journal', 'restore', '--namespace', unique('ns'), '--from-namespace', from]
  const env = { AMQP_URL: vhost.url }
  const dry = await run(args, env)
  expect(dry).toMatchObject({ code: 0, stderr: 'nothing was changed: --yes schedules them\n' })
  expect(dry.stdout).toMatch(/^2 messages to restore, ready from \S+Z to \S+Z\n/)
  expect(dry.stdout).toContain(`queue:${queue}`)
  expect(dry.stdout).toContain("skipped: 1 cancelled, 0 refused, 0 in the target's journal, 0 without a body")
  const execute = [...args, '--lost-at', new Date().toISOString(), '--yes']
  const first = await run(execute, env)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toMatch(/\n2 restored, 0 failed\n$/)
  const second = await run([...execute, '--json'], env)
  expect(documents(second.stdout)).toMatchObject([
    { executed: true, messages: 0, destinations: [], skipped: { cancelled: 1, present: 2 }, restored: 0, left: 0 },
  ])
})

test('journal restore cannot restore messages without a body, and exits with 1', async () => {
  const from = await source(unique('bodiless'), { bodies: false })
  const args = ['journal', 'restore', '--namespace', unique('ns'), '--from-namespace', from]
  const env = { AMQP_URL: vhost.url }
  const [dry, executed] = await Promise.all([
    run([...args, '--dry-run'], env),
    run([...args, '--lost-at', new Date().toISOString(), '--yes'], env),
  ])
  expect(dry).toMatchObject({ code: 0, stderr: 'nothing was changed\n' })
  expect(executed).toMatchObject({ code: 1, stderr: '2 cannot be restored: their records have no body\n' })
  expect(executed.stdout).toMatch(/\n0 restored, 0 failed\n$/)
})

test('journal restore says what is wrong, and with which option it goes', async () => {
  const env = { AMQP_URL: vhost.url }
  const none = await run(['journal', 'restore', '--namespace', unique('none')], env)
  expect(none).toMatchObject({ code: 4, stdout: '' })
  expect(none.stderr).toContain('dueque topology apply --journal')
  const wrong = await run(['journal', 'restore', '--lost-at', 'yesterday'], env)
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(wrong.stderr).toContain('--lost-at: ')
  const nowhere = await run(['journal', 'restore', '--from', 'backup.example'], env)
  expect(nowhere).toMatchObject({ code: 2, stdout: '' })
  expect(nowhere.stderr).toContain('from.url: ')
})
