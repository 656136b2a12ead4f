import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { poll } from '../support/broker.js'
import { bundledCommandLine } from './bundled.js'

const MAIN = await bundledCommandLine()

/** The variables by which Node decides on colours: none of them, so that tests see the same on a build server and in a terminal. */
const DEFAULT_COLOURS = {
  FORCE_COLOR: undefined,
  NO_COLOR: undefined,
  NODE_DISABLE_COLORS: undefined,
  CI: undefined,
  TMUX: undefined,
  COLORTERM: undefined,
}

export interface Result {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the command line in its own process, with only `env` of the variables that it reads. */
export function start(args: readonly string[], env: Record<string, string> = {}) {
  const none = {
    AMQP_URL: undefined,
    RABBITMQ_MANAGEMENT_URL: undefined,
    DUEQUE_NAMESPACE: undefined,
    DUEQUE_REDIS_URL: undefined,
    ...DEFAULT_COLOURS,
  }
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...none, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const result: Result = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text))
  // The child may end without reading all of its input.
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close').then(([code]) => ({ ...result, code: code as number | null }))
  const printed = (lines: number) =>
    poll(() => result.stdout.split('\n').length > lines, { what: `${lines} lines of output`, timeoutMs: 30_000 })
  return { child, ended, printed }
}

export function run(args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Result> {
  const { child, ended } = start(args, env)
  child.stdin.end(input)
  return ended
}

/**
 * The same with a terminal as input and output: what it shows, without carriage returns. Undefined if there is no program that makes
 * a terminal.
 */
export function runInTerminal(args: readonly string[], env: Record<string, string>): string | undefined {
  const command = [process.execPath, MAIN, ...args].map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(' ')
  const own = { ...process.env, ...DEFAULT_COLOURS, TERM: 'xterm', ...env }
  const { error, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { env: own, encoding: 'utf8' })
  return error ? undefined : stdout.replaceAll('\r', '')
}

/** An error in colour. */
export const RED_ERROR = new RegExp(String.raw`^\x1b\[31merror: .*\x1b\[39m\n$`)

/** The documents of a `--json` output. */
export function documents(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** A name that no other test has, since tests may have to share a virtual host. */
export function unique(name: string): string {
  return `${name}-${randomBytes(4).toString('hex')}`
}
