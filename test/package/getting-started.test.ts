import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'
import { codeBlocksOf, ROOT } from '../support/pages.js'

const vhost = useVhost()
const run = promisify(execFile)

let folder: string
let project: string
/** Running consumers. */
const running: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dueque-started-'))
  project = join(folder, 'reminders')
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** The page with shorter delays, and the packed package in the place of the published one. */
async function page(): Promise<string> {
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT })
  const { version } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8')) as { version: string }
  const text = await readFile(`${ROOT}docs/getting-started.md`, 'utf8')
  return text
    .replace('npm install dueque', `npm install ../dueque-${version}.tgz`)
    .replace("in: '10s'", "in: '1s'")
    .replace('--in 5s', '--in 1s')
    .replace("backoff: '2s'", "backoff: '100ms'")
}

const environment = () => ({
  ...process.env,
  AMQP_URL: vhost.url,
  npm_config_prefer_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  // What npx finds, without its own start.
  PATH: [join(project, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
})

/** Runs commands as the page has them. Its output, whatever the exit code. */
async function shell(commands: string, cwd = project): Promise<string> {
  const script = commands.replaceAll(/^npx /gm, '')
  const result = await run('sh', ['-c', script], { cwd, env: environment() }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  )
  return result.stdout + result.stderr
}

/** Starts a command that does not end, and collects what it prints. */
function start(command: string): { output: () => string; interrupt: () => Promise<void> } {
  const child = spawn('sh', ['-c', `exec ${command.replace('npx ', '')}`], { cwd: project, env: environment() })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const interrupt = () => {
    child.kill('SIGINT')
    return ended
  }
  return { output: () => output, interrupt }
}

test(
  'Getting started leads from an empty folder to a reminder, a cancellation, a dead message and a test',
  { timeout: 180_000 },
  async () => {
    const text = await page()
    const blocks = codeBlocksOf(text)
    /** The commands that begin so, with all others of their block. */
    const commands = (beginning: string) => {
      const found = blocks.find(({ language, code }) => language === 'sh' && code.startsWith(beginning))
      if (!found) throw new Error(`no block of commands begins with ${beginning}`)
      return found.code.trim()
    }
    await shell(commands('mkdir reminders'), folder)
    for (const [, name, code] of text.matchAll(/This\s+is\s+`([\w.]+)`:\n\n```ts\n([^]*?)```/g))
      await writeFile(join(project, name!), code!)

    let consumer = start(commands('npx tsx consumer.ts'))
    await poll(() => consumer.output().includes('waiting'), { timeoutMs: 30_000, what: 'the consumer' })
    expect(await shell(commands('npx tsx producer.ts'))).toMatch(/^appointment-42\/24h waits until /)
    const [schedule, ...looks] = commands('npx dueque schedule').split('\n')
    await shell(schedule!)
    const isReminded = (patient: string) => consumer.output().includes(`remind ${patient} of room`)
    await poll(() => isReminded('p-7') && isReminded('p-8'), { timeoutMs: 30_000, what: 'both reminders' })
    expect(await shell(looks.join('\n'))).toContain('reminders')
    expect(await shell(commands('npx tsx cancel.ts'))).toBe('cancelled\n')

    const failing = blocks.find(({ code }) => code.includes('failed`)'))!.code
    const file = join(project, 'consumer.ts')
    const before = await readFile(file, 'utf8')
    await writeFile(file, before.replace(/await mq\.consume[^]*?^\]\)\n/m, failing))
    await consumer.interrupt()
    consumer = start(commands('npx tsx consumer.ts'))
    await shell(commands('npx tsx producer.ts'))
    await poll(() => consumer.output().includes('given up'), { timeoutMs: 30_000, what: 'the dead message' })
    const [list, redrive] = commands('npx dueque dead list').split('\n')
    expect(await shell(list!)).toMatch(/attempt 3 failed/)
    await writeFile(file, before)
    await consumer.interrupt()
    expect(await shell(redrive!)).toMatch(/1/)
    consumer = start(commands('npx tsx consumer.ts'))
    await poll(() => isReminded('p-7'), { timeoutMs: 30_000, what: 'the message that was sent back' })

    expect(await shell(commands('npx tsx --test'))).toMatch(/pass 1\b/)
    await consumer.interrupt()
  },
)
