import { createServer } from 'node:net'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { brokerUrl } from '../support/broker.js'
import { documents, RED_ERROR, run } from './dueque.js'

const good = ['--queue', 'q', '--in', '1s']
const WRONG: [what: string, args: string[]][] = [
  ['no command', []],
  ['help on an unknown command', ['help', 'dead', 'shedule']],
  ['an unknown command', ['shedule']],
  ['an unknown option', ['status', '--quue', 'q']],
  ['no destination', ['schedule', '--in', '1s', '--data', '1']],
  ['two destinations', ['schedule', '--queue', 'q', '--exchange', 'e', '--in', '1s', '--data', '1']],
  ['a key for a queue', ['schedule', ...good, '--key', 'k', '--data', '1']],
  ['no due time', ['schedule', '--queue', 'q', '--data', '1']],
  ['two due times', ['schedule', ...good, '--at', '2030-01-01T00:00:00Z', '--data', '1']],
  ['a duration without a unit', ['schedule', '--queue', 'q', '--in', '30', '--data', '1']],
  ['a time without a zone', ['schedule', '--queue', 'q', '--at', '2030-01-01T00:00:00', '--data', '1']],
  ['a delay that is too long, before any line is read', ['schedule', '--queue', 'q', '--in', '3651d']],
  ['data that is not JSON', ['schedule', ...good, '--data', '{']],
  ['a missing file', ['schedule', ...good, '--file', '/missing/x.json']],
  ['a missing file of lines', ['schedule', ...good, '--file', '/missing/x.ndjson']],
  ['one id for many lines', ['schedule', ...good, '--id', 'x']],
  ['a header without a value', ['schedule', ...good, '--header', 'x', '--data', '1']],
  ['no queue to consume', ['consume']],
  ['a limit of 0', ['consume', 'q', '--limit', '0']],
  ['a limit that is no number', ['consume', 'q', '--limit', 'x']],
  ['a limit and concurrency', ['consume', 'q', '--limit', '1', '--concurrency', '2']],
  ['a watch of 0 seconds', ['status', '--watch', '0']],
  ['an exporter without a watch', ['status', '--metrics', 'http://127.0.0.1:1/metrics']],
  ['an exporter that is no URL', ['status', '--watch', '--metrics', 'localhost']],
  ['an invalid management URL', ['status', '--management', 'localhost']],
  ['no parked message named', ['parked', 'redrive']],
  ['a choice of dead messages without their queue', ['dead', 'list', '--reason', 'expired']],
  ['an unknown reason', ['dead', 'purge', 'q', '--reason', 'handler-eror', '--yes']],
  ['a dry run that changes something', ['journal', 'restore', '--dry-run', '--yes']],
  ['a dry run of ids', ['cancel', 'a', '--dry-run']],
  ['no dead message named', ['dead', 'redrive', 'q']],
  ['all dead messages and some', ['dead', 'redrive', 'q', '--all', '--reason', 'expired']],
  ['a time of death without a zone', ['dead', 'list', 'q', '--before', '2026-01-31T09:00:00']],
  ['a rate of 0', ['parked', 'redrive', '--all', '--rate', '0/s']],
  ['a destination of neither kind', ['parked', 'redrive', '--all', '--to', 'reminders']],
  ['a patience without a unit', ['doctor', '--patience', '60']],
  ["a rung of dueque's own as a work queue", ['topology', 'apply', '--queue', 'dueque.v1.wait.1s']],
  ["an exchange of dueque's own as a destination", ['topology', 'apply', '--exchange', 'dueque.v1.deliver']],
  ['no id to cancel', ['cancel']],
  ['a due time without a zone', ['cancel', 'a', '--due', '2030-01-01T00:00:00']],
  ['ids and standard input', ['cancel', 'a', '-']],
  ['receipts as arguments', ['cancel', 'a', '--receipts']],
  ['receipts and a due time', ['cancel', '-', '--receipts', '--due', '2030-01-01T00:00:00Z']],
  ['one revision of many ids', ['cancel', 'a', 'b', '--revision', '1']],
  ['no new due time', ['reschedule', 'a', ...good.slice(0, 2), '--data', '1']],
  ['options of a message without its payload', ['reschedule', 'a', '--in', '1h', '--name', 'n']],
  ['a rescheduled message without a destination', ['reschedule', 'a', '--in', '1h', '--data', '1']],
  ['a journal of a store', ['schedule', ...good, '--data', '1', '--journal', '--redis', 'redis://127.0.0.1:1']],
  ['a relay without a store', ['relay']],
  ['a restore of an unnamed instant', ['journal', 'restore', '--from', 'amqp://localhost', '--yes']],
  ['a gate without a queue to forward to', ['gate', 'q']],
  ['a gate from a queue to itself', ['gate', 'q', '--to', 'q']],
  ['a schedule without times', ['recurring', 'set', 'x', '--queue', 'q', '--data', '1']],
  ['a schedule without a destination', ['recurring', 'set', 'x', '--every', '1h', '--data', '1']],
  ['a schedule without a payload', ['recurring', 'set', 'x', '--every', '1h', '--queue', 'q']],
  ['a pattern that is none', ['recurring', 'set', 'x', '--cron', 'soon', '--queue', 'q', '--data', '1']],
  ['a pattern and an interval', ['recurring', 'set', 'x', '--cron', '0 9 * * *', '--every', '1h', '--queue', 'q']],
  ['a backfill of an unnamed time', ['recurring', 'backfill', 'x']],
  ['a prefix for nothing', ['recurring', 'apply', 'package.json', '--id-prefix', 'a']],
  ['a file that holds no schedules', ['recurring', 'apply', 'package.json']],
  ['a URL that is none', ['status', '--url', 'http://localhost']],
]

test.each(WRONG)('%s is wrong usage: exits with 2 and sends nothing', async (_, args) => {
  const { code, stdout, stderr } = await run(args, { AMQP_URL: brokerUrl() })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(args.length === 0 ? /^Usage: dueque/ : /^error: .+\n$/)
})

test('errors are JSON with --json, including those about options', async () => {
  const error = (code: string) => ({ error: { code, message: expect.any(String) as string } })
  const option = await run(['status', '--json', '--quue'])
  expect(documents(option.stderr)).toEqual([error('USAGE')])
  const due = await run(['schedule', '--json', '--queue', 'q', '--in', 'soon', '--data', '1'])
  expect(documents(due.stderr)).toMatchObject([error('INVALID_DUE')])
})

test.each([['schedule', ...good, '--data', '1'], ['consume', 'q'], ['status', '--no-management'], ['doctor']])(
  '%s exits with 3 if no broker answers, and does not show the password',
  async (...args) => {
    const url = `amqp://me:s3cret@127.0.0.1:${await closedPort()}`
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await run([...args, ...more, '--url', url], { AMQP_URL: brokerUrl() })
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toContain(more.length > 0 ? '{"error":{"code":"UNREACHABLE",' : 'error: no broker at 127.0.0.1:')
      expect(stderr).not.toMatch(/s3cret|\n\s+at /)
    }
  },
)

test('exits with 3 if the broker refuses the password, and does not show it', async () => {
  const url = new URL(brokerUrl())
  url.password = 's3cret'
  const { code, stderr } = await run(['schedule', ...good, '--data', '1'], { AMQP_URL: url.href })
  expect(code).toBe(3)
  expect(stderr).toMatch(/^error: \S+ refused the credentials of user/)
  expect(stderr).not.toContain('s3cret')
})

test('tries the next --url if the first does not answer', async () => {
  const urls = ['--url', `amqp://127.0.0.1:${await closedPort()}`, '--url', brokerUrl()]
  const { code, stderr } = await run(['status', '--no-management', '--json', ...urls])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('a misspelt option does not show the password in its value', async () => {
  const { stderr } = await run(['status', '--ulr=amqp://me:s3cret@localhost'])
  expect(stderr).toBe("error: unknown option '--ulr=(a URL)'\n")
})

test('errors are red where colours are forced, and never with --json', async () => {
  const forced = { FORCE_COLOR: '1' }
  const [text, json] = await Promise.all([
    run(['status', '--quue'], forced),
    run(['status', '--quue', '--json'], forced),
  ])
  expect(text.stderr).toMatch(RED_ERROR)
  expect(documents(json.stderr)).toMatchObject([{ error: { code: 'USAGE' } }])
})

test('--help shows commands, help options the options of all and exit codes, --version the version', async () => {
  const [help, options] = await Promise.all([run(['--help']), run(['help', 'options'])])
  expect([help.code, options.code]).toEqual([0, 0])
  expect(help.stdout).toMatch(/^Usage: dueque .*\n(.*\n)+ {2}dueque schedule --queue/)
  expect(options.stdout).toMatch(/ {2}--url <url> (.*\n)+Exit codes:/)
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test.each([
  ['--help', false],
  ['cancel', false],
  ['status', true],
])('%s loads the module of its command alone', async (arg, usesBroker) => {
  const atExit = `import { createRequire } from 'node:module'
    process.on('exit', () => console.error(Object.keys(createRequire('/').cache).join('\\n')))`
  const preload = `--import=data:text/javascript,${encodeURIComponent(atExit)}`
  const { stderr } = await run([arg, '--quue'], { NODE_OPTIONS: preload })
  expect(stderr.includes('/commander/')).toBe(true)
  expect(stderr.includes('/amqplib/')).toBe(usesBroker)
})

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
