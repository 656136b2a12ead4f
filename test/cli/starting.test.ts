import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ConfirmProxy } from '../support/confirm-proxy.js'
import { methodId } from '../support/amqp-server.js'
import { poll, useVhost } from '../support/broker.js'
import { useRedis } from '../support/redis.js'
import { start, unique } from './dueque.js'

const vhost = useVhost()
const store = useRedis()

/** More than a start takes to end, and less than any of its time limits. */
const SOON_MS = 5000

/** A server that accepts connections and never answers. @returns its address, and a promise of the first connection */
async function silentServer() {
  const server = createServer()
  const asked = once(server, 'connection')
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** Sends the signal, and expects a good end without a word. */
async function endsAtOnce({ child, ended }: ReturnType<typeof start>): Promise<void> {
  const killedAt = performance.now()
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(performance.now() - killedAt).toBeLessThan(SOON_MS)
}

const COMMANDS: Record<string, string[]> = {
  gate: ['from', '--to', 'to'],
  ticker: [],
  relay: [],
  consume: ['queue'],
  dashboard: [],
  'plugin intake': ['entry'],
}

test.each(Object.entries(COMMANDS))('%s ends on SIGTERM while its broker does not answer', async (command, args) => {
  const { host, asked } = await silentServer()
  const env = { AMQP_URL: `amqp://${host}`, ...(command === 'relay' && { DUEQUE_REDIS_URL: store.url }) }
  const started = start([...command.split(' '), ...args], env)
  await asked
  await endsAtOnce(started)
})

test.each(['relay', 'ticker', 'metrics'])('%s ends on SIGTERM while its store does not answer', async (command) => {
  const { host, asked } = await silentServer()
  const args = command === 'metrics' ? ['--port', '0'] : []
  const started = start([command, ...args], { AMQP_URL: vhost.url, DUEQUE_REDIS_URL: `redis://${host}` })
  await asked
  await endsAtOnce(started)
})

test.each(['gate', 'ticker'])('%s ends on SIGTERM while a declaration is not answered', async (command) => {
  const proxy = await ConfirmProxy.to(vhost.url)
  onTestFinished(() => proxy.close())
  let isAsked = false
  const swallows = (method: number | undefined) => method === methodId('QueueDeclareOk')
  proxy.swallowsAnswer = (method) => swallows(method) && (isAsked = true)
  const args = [...COMMANDS[command]!, ...(command === 'gate' ? ['--declare'] : [])]
  const started = start([command, ...args, '--namespace', unique('silent')], { AMQP_URL: proxy.url })
  await poll(() => isAsked, { what: 'a declaration', timeoutMs: 30_000 })
  await endsAtOnce(started)
})
