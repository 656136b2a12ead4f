import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { brokerUrl, poll } from '../support/broker.js'
import { OTHER_PASSWORD, PASSWORD, shownIn } from '../support/secrets.js'
import { run, start, unique } from './dueque.js'

const [ENCODED, OTHER] = [PASSWORD, OTHER_PASSWORD].map(encodeURIComponent) as [string, string]
const wrong = () => brokerUrl().replace(/\/\/([^@]*@)?/, `//guest:${ENCODED}@`)
const nowhere = () => `amqp://guest:${ENCODED}@127.0.0.1:1`
const MANAGEMENT = `http://guest:${OTHER}@127.0.0.1:1/x`

const COMMANDS: string[][] = [
  ['schedule', '--queue', 'q', '--in', '1s', '--data', '1'],
  ['consume', 'q'],
  ['status'],
  ['status', '--no-management'],
  ['doctor'],
  ['topology', 'show'],
  ['topology', 'apply'],
  ['topology', 'verify'],
  ['topology', 'delete'],
  ['parked', 'list'],
  ['parked', 'redrive', '--all'],
  ['dead', 'show', 'q', 'id'],
]

test.each(COMMANDS.map((args) => [args.join(' '), args] as const))(
  '%s shows neither the password of the broker nor that of the management API, as text or as JSON',
  async (_, args) => {
    const runs = [wrong(), nowhere()].flatMap((url) =>
      [[], ['--json']].map((json) => run([...args, ...json], { AMQP_URL: url, RABBITMQ_MANAGEMENT_URL: MANAGEMENT })),
    )
    for (const { stdout, stderr } of await Promise.all(runs)) {
      expect(stdout + stderr).not.toBe('')
      expect(shownIn(stdout + stderr)).toEqual([])
    }
  },
)

test.each([
  ['help', ['--help']],
  ['help of a command', ['status', '--help']],
  ['an unknown option', ['status', `--ulr=${nowhere()}`]],
  ['an unknown option with a password elsewhere', ['status', `--ulr=postgres://host/db?password=${ENCODED}`]],
  ['a value that is no number', ['status', '--shards', `redis://host/?password=${ENCODED}`]],
  ['a value that is cut', ['schedule', '--queue', 'q', '--data', '1', '--in', `${nowhere()}/${'x'.repeat(100)}`]],
  ['a value that is cut elsewhere', ['status', '--namespace', `http://h/?p=${ENCODED}&${'x'.repeat(100)}`]],
  ['an argument too many', ['status', nowhere(), MANAGEMENT]],
  ['an unknown command', [nowhere()]],
  ['a URL that is none', ['status', '--url', nowhere().replace('amqp', 'http')]],
  ['an invalid URL in the variable', ['status']],
  ['an invalid management URL', ['status', '--management', MANAGEMENT.replace('http', 'amqp')]],
])('%s shows no password either', async (what, args) => {
  const url = what.endsWith('variable') ? nowhere().replace('amqp', 'http') : nowhere()
  for (const json of [[], ['--json']]) {
    const { stdout, stderr } = await run([...args, ...json], { AMQP_URL: url, RABBITMQ_MANAGEMENT_URL: MANAGEMENT })
    expect(stdout + stderr).not.toBe('')
    expect(shownIn(stdout + stderr)).toEqual([])
  }
})

const noProc = process.platform !== 'linux'

test.skipIf(noProc)(
  'a password in the environment is not visible in the process list (skipped without /proc)',
  async () => {
    const password = new URL(brokerUrl()).password || 'guest'
    const { child, ended } = start(['consume', unique('q'), '--json'], { AMQP_URL: brokerUrl() })
    const title = () => readFile(`/proc/${child.pid}/cmdline`, 'utf8')
    await poll(async () => (await title()).includes('consume'), { what: 'the process', timeoutMs: 10_000 })
    expect((await title()).split('\0').filter((arg) => arg.includes(`:${password}@`))).toEqual([])
    child.kill('SIGINT')
    await ended
  },
)
