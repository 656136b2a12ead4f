import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectRaw } from 'amqplib'
import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'
import { compiled } from '../../scripts/compiled.js'
import { useVhost } from '../support/broker.js'
import { open } from '../support/mq.js'
import { note, unique } from '../strategies/recorder.js'

const CHILD = new URL('backpressure-child.ts', import.meta.url)
const MIB = 1024 * 1024

const vhost = useVhost()

test('a producer of 50,000 messages behind a slow network holds no more than its window allows', async () => {
  const { queue, url } = await slowly(10 * MIB)
  const { done, heldBytes } = await run(['schedule', url, queue, 50_000, 2000])
  expect(done).toBe(50_000)
  expect(heldBytes).toBeLessThan(48 * MIB)
}, 180_000)

test('with bodies of 8 MiB, it holds at most 64 MiB, and one copy of each', async () => {
  const { queue, url } = await slowly(40 * MIB)
  const { done, heldBytes } = await run(['schedule', url, queue, 40, 8 * MIB])
  expect(done).toBe(40)
  expect(heldBytes).toBeLessThan(256 * MIB)
}, 180_000)

test('a slow consumer of 20,000 due messages holds no more than prefetch allows', async () => {
  const { queue } = await slowly(Infinity)
  const model = await connectRaw(vhost.url)
  onTestFinished(() => model.close())
  const channel = await model.createConfirmChannel()
  for (let n = 0; n < 20_000; n++) {
    if (!channel.sendToQueue(queue, Buffer.alloc(2000, '1'), { persistent: true })) await channel.waitForConfirms()
  }
  await channel.waitForConfirms()
  const { done, heldBytes } = await run(['consume', vhost.url, queue, 3000, 0])
  expect(done).toBeGreaterThanOrEqual(3000)
  expect(heldBytes).toBeLessThan(12 * MIB)
}, 180_000)

/** A queue with one waiting message, so that everything is declared, and a broker behind a slow network. */
async function slowly(bytesPerSecond: number): Promise<{ queue: string; url: string }> {
  const queue = unique('slow')
  const mq = await open(vhost.url, { publishTimeoutMs: 120_000 })
  await mq.schedule(note, { n: 0 }, { to: { queue }, in: '1d', declare: true })
  const proxy = await TcpProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  proxy.bytesPerSecond = bytesPerSecond
  return { queue, url: proxy.url() }
}

async function run(args: readonly (string | number)[]): Promise<{ done: number; heldBytes: number }> {
  const child = spawn(process.execPath, ['--expose-gc', compiled(CHILD), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  const result = JSON.parse(output) as { done: number; heldBytes: number }
  console.info(args[0], { ...result, heldMiB: Math.round(result.heldBytes / MIB) })
  return result
}
