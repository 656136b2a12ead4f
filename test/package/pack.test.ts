import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const vhost = useVhost()

/**
 * The TypeScript samples of the README, as a user would paste them. The one that changes messages goes on with what the first
 * has defined, and the one that looks at them connects itself.
 */
async function readme(): Promise<{ sample: string; change: string; look: string }> {
  const page = await readFile(join(root, 'README.md'), 'utf8')
  const samples = Array.from(page.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code!)
  const having = (text: string) => samples.find((sample) => sample.includes(text))!
  const look = `import { connect } from 'dueque'\n${having('journal: true')}`
  return { sample: samples[0]!, change: samples[0]! + having('mq.cancel('), look }
}

/** The first command of the README, which is for the consumer of its first sample. */
async function readmeCommand(): Promise<string> {
  const page = await readFile(join(root, 'README.md'), 'utf8')
  return /^npx dueque schedule (.*\\\n)*.*$/m.exec(page)![0]
}

/** The TypeScript samples of the guide to cancelling: a program, and its tests. */
async function guide(): Promise<{ program: string; tests: string }> {
  const page = await readFile(join(root, 'docs/guides/cancelling.md'), 'utf8')
  const samples = Array.from(page.matchAll(/^( *)```ts\n(.*?)^ *```$/gms), ([, indent, code]) =>
    code!.replaceAll(new RegExp(`^${indent!}`, 'gm'), ''),
  )
  const isTest = (sample: string) => sample.includes("from 'vitest'")
  const program = [...samples.filter((sample) => !isTest(sample)), "console.log('end')"].join('\n')
  return { program, tests: samples.filter(isTest).join('\n') }
}

async function bytesOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A test of a user, with the types that it sees. */
const TESTING = `
import { defineMessage, on, type Dueque } from 'dueque'
import { testDueque, type DeadMessage, type PendingMessage, type TestDueque } from 'dueque/testing'
import { z } from 'zod'

const order = defineMessage('order', z.object({ id: z.string() }))
await using test: TestDueque = await testDueque({ now: '2026-11-23T09:00:00Z', queues: ['orders'] })
const mq: Dueque = test.mq
await mq.consume('orders', [on(order, ({ deadLetter }) => deadLetter('no such order'))])
await mq.schedule(order, { id: 'o-1' }, { to: { queue: 'orders' }, in: '1h' })
const waiting: PendingMessage[] = test.waiting()
await test.clock.advance('1h')
const dead: DeadMessage[] = test.dead('orders')
export const result = [waiting.length, dead[0]?.error, new Date(test.clock.now()).toISOString()]
`

describe('the packed package, installed into an empty project', () => {
  let folder: string
  /** Of the package and its dependencies. */
  let installedBytes: number
  const npm = (...args: string[]) =>
    run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  /** Compiles the samples to JavaScript, libraries' types checked too. */
  const compile = async (types: string[], options: { files?: string[]; skipLibCheck?: boolean } = {}) => {
    const { files = ['sample.ts', 'change.ts', 'look.ts', 'guide.ts', 'testing.ts'], skipLibCheck = false } = options
    const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, types, skipLibCheck }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), [], { cwd: folder }).catch(
      (error: unknown) => error as { stdout: string },
    )
    expect(stdout).toBe('')
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dueque-pack-'))
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }')
    await npm('install', `./dueque-${version}.tgz`)
    installedBytes = await bytesOf(join(folder, 'node_modules'))
    await npm('install', 'zod')
    const { sample, change, look } = await readme()
    await writeFile(join(folder, 'sample.ts'), sample)
    await writeFile(join(folder, 'change.ts'), change)
    await writeFile(join(folder, 'look.ts'), look)
    const { program, tests } = await guide()
    await writeFile(join(folder, 'guide.ts'), program)
    await writeFile(join(folder, 'guide.test.ts'), tests)
    await writeFile(join(folder, 'testing.ts'), TESTING)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is 4 MB with its dependencies at most, and has the recommended settings of a broker', async () => {
    expect(installedBytes).toBeGreaterThan(1_000_000)
    expect(installedBytes).toBeLessThanOrEqual(4_000_000)
    expect(await readFile(join(folder, 'node_modules/dueque/docker/advanced.config'), 'utf8')).toContain('{rabbit, [')
  })

  test('compiles the samples of the README and of the guide to cancelling, and dueque/testing, without @types/node', async () => {
    await compile([])
  })

  test('compiles the samples of the README and of the guide to cancelling, and dueque/testing, with @types/node', async () => {
    await npm('install', '@types/node@20')
    await compile(['node'])
  })

  /** Runs a compiled sample, and a work beside it, until it has printed `last`, and returns what it has printed. */
  const runUntil = async (last: RegExp, sample: string, work: () => unknown = () => undefined) => {
    const compiled = await readFile(join(folder, sample), 'utf8')
    await writeFile(join(folder, 'run.js'), compiled.replaceAll('amqp://localhost', vhost.url))
    const child = spawn('node', ['run.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += String(chunk)))
    try {
      await work()
      await poll(() => last.test(output), { timeoutMs: 30_000, what: `${sample} to print ${last.source}` })
    } finally {
      child.kill()
    }
    return output
  }

  test("runs the README's sample, whose consumer the README's command line reaches", async () => {
    const env = { ...process.env, AMQP_URL: vhost.url }
    const command = await readmeCommand()
    const schedule = () => run('sh', ['-c', command], { cwd: folder, env })
    const output = await runUntil(/(late\n.*){2}/, 'sample.js', schedule)
    expect(output).toMatch(/^appointment-42\/24h waits until .*\n(remind p-7, due .* ms late\n){2}$/)
  })

  test('runs the samples of the guide to cancelling, with the answers that it shows', async () => {
    const output = await runUntil(/end/, 'guide.js')
    const answers = [
      'cancelled',
      'cancelled 2030-07-02T13:30:00.000Z',
      "cancelled { patient: 'p-8', room: '1' } 2030-07-09T07:00:00.000Z",
      '{ cancelled: 3, tooLate: 0, unknown: 0, failed: 0 }',
    ]
    expect(output.split('\n').slice(0, 4)).toEqual(answers)
  })

  test('runs a script that uses dueque/testing', async () => {
    const script = "import('./testing.js').then(({ result }) => console.log(result.join()))"
    const { stdout } = await run('node', ['--eval', script], { cwd: folder })
    expect(stdout).toBe('1,no such order,2026-11-23T10:00:00.000Z\n')
  })

  test("the tests of the example, and of the guide to cancelling, pass in vitest and in Node's own runner", async () => {
    await cp(join(root, 'examples/testing'), folder, { recursive: true })
    await symlink(join(root, 'node_modules/vitest'), join(folder, 'node_modules/vitest'))
    const files = ['appointments.ts', 'vitest.test.ts', 'guide.test.ts', 'node.test.ts']
    // The types of vitest need those of its optional peers.
    await compile(['node'], { files, skipLibCheck: true })
    const vitest = await run('node', ['node_modules/vitest/vitest.mjs', 'run', 'vitest.test.ts', 'guide.test.ts'], {
      cwd: folder,
    })
    expect(vitest.stdout).toMatch(/Tests .*4 passed/)
    const node = await run('node', ['--test', '--test-reporter=tap', 'node.test.js'], { cwd: folder })
    expect(node.stdout).toMatch(/^# pass 2$/m)
    expect(node.stdout).toMatch(/^# fail 0$/m)
  })

  test('has a command line, which prints the recommended settings of a broker', async () => {
    const { stdout } = await run('npx', ['dueque', '--version'], { cwd: folder })
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/)
    const printed = await run('npx', ['dueque', 'doctor', '--print-config'], { cwd: folder })
    expect(printed.stdout).toBe(await readFile(join(root, 'docker/advanced.config'), 'utf8'))
  })
})
