import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poll, useVhost } from '../support/broker.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const vhost = useVhost()

/** The TypeScript sample of the README, as a user would paste it. */
async function sample(): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  return /```ts\n(.*?)```/s.exec(readme)![1]!
}

describe('the packed package, installed into an empty project', () => {
  let folder: string
  const npm = (...args: string[]) =>
    run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  /** Compiles the sample to JavaScript, libraries' types checked too. */
  const compile = async (types: string[]) => {
    const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, types }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['sample.ts'] }))
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
    await npm('install', `./dueque-${version}.tgz`, 'zod')
    await writeFile(join(folder, 'sample.ts'), await sample())
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test("compiles the README's sample without @types/node", async () => {
    await compile([])
  })

  test("compiles the README's sample with @types/node", async () => {
    await npm('install', '@types/node@20')
    await compile(['node'])
  })

  test("runs the README's sample", async () => {
    const compiled = await readFile(join(folder, 'sample.js'), 'utf8')
    await writeFile(join(folder, 'run.js'), compiled.replaceAll('amqp://localhost', vhost.url))
    const child = spawn('node', ['run.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += String(chunk)))
    try {
      await poll(() => output.includes('late'), { timeoutMs: 30_000, what: 'the sample to receive its message' })
    } finally {
      child.kill()
    }
    expect(output).toMatch(/^appointment-42\/24h waits until .*\nremind p-7, due .* ms late\n$/)
  })

  test('has a command line', async () => {
    const { stdout } = await run('npx', ['dueque', '--version'], { cwd: folder })
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/)
  })
})
