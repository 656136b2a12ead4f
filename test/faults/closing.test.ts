import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { compiled } from '../../scripts/compiled.js'
import { poll, useVhost } from '../support/broker.js'
import { unique } from '../strategies/recorder.js'

const CHILD = new URL('closing-child.ts', import.meta.url)
const vhost = useVhost()

interface Closed {
  /** Duration of its close. */
  closeMs: number
  /** From the end of its close to the end of the process. */
  exitMs: number
  outcomes: readonly string[]
  settled: number
}

/** A process that closes while the network is silent. */
async function close(context: TestContext, mode: string, drainTimeoutMs: number): Promise<Closed> {
  const proxy = await TcpProxy.to(vhost.url)
  const args = [compiled(CHILD), mode, proxy.url(), unique(mode), String(drainTimeoutMs)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  context.onTestFinished(() => {
    child.kill('SIGKILL')
    proxy.close()
  })
  const ended = once(child, 'exit')
  const lines: string[] = []
  let closedAt = 0
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    closedAt = performance.now()
  })
  const printed = (count: number) =>
    poll(() => lines.length >= count, { timeoutMs: 60_000, what: `${count} lines of the process, not ${lines.join()}` })
  await printed(1)
  proxy.freeze()
  child.stdin.write('go on\n')
  await printed(2)
  child.stdin.end()
  await ended
  return { ...(JSON.parse(lines[2]!) as Closed), exitMs: performance.now() - closedAt }
}

// Side by side, a hook of the module may belong to another test: each takes its own from its context.
test.concurrent.for<[string, string, object]>([
  ['nothing is under way', 'idle', { settled: 0 }],
  ['schedules are under way', 'schedules', { settled: 100, outcomes: ['CLOSED unknown'] }],
  ['a retry is under way', 'retry', { settled: 0 }],
  ['a handler does not end', 'handler', { settled: 0 }],
  ['a reconnect is under way', 'reconnect', { settled: 0 }],
])(
  'on a silent network, close and the process end within drainTimeoutMs, when %s',
  async ([, mode, expected], context) => {
    const closed = await close(context, mode, 1000)
    context.expect(closed).toMatchObject(expected)
    context.expect(closed.closeMs).toBeLessThan(1000 + 1000)
    context.expect(closed.exitMs).toBeLessThan(2000)
  },
)
