// run-demo.ts [OPTION …]: runs examples/appointments/demo.ts with the servers that its options need. They are found or started
// as for the tests; for a comparison, nothing is installed. Kills the servers that it has started when the demo asks for it.
import { fork, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import { WAYS, wayNamed, type WayName } from '../examples/appointments/ways.js'
import { findBroker } from './broker/find-broker.js'
import { say } from './broker/say.js'
import { findPostgres } from './services/find-postgres.js'
import { findRedis } from './services/find-redis.js'
import type { Service } from './services/service.js'

const DEMO = new URL('../examples/appointments/demo.ts', import.meta.url)
const args = process.argv.slice(2)
// The demo checks its options itself.
const { values } = parseArgs({ args, strict: false, options: { strategy: { type: 'string' } } })
const isComparison = values['compare'] === true

/** By the names that the demo has for them. */
const servers = new Map<string, Service>()
let demo: ChildProcess | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!demo) process.exit(128 + constants.signals[signal]) // while servers start: their guards remove them
    // Ctrl-C in a terminal has reached the demo already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) demo.kill(signal)
  })
}

try {
  const way = wayNamed(String(values.strategy ?? 'ladder'))
  await findServers(way)
  process.exitCode = await run()
} catch (error) {
  say((error as Error).message)
  process.exitCode = 1
} finally {
  await Promise.all([...servers.values()].map((server) => server.stop()))
}

async function findServers(way: WayName): Promise<void> {
  if (way !== 'memory' || isComparison) await find('RabbitMQ', broker)
  const options = { isDurable: true, mayInstall: !isComparison }
  if (WAYS[way].server === 'Redis' || isComparison) await find('Redis', () => findRedis(options))
  if (WAYS[way].server === 'PostgreSQL' || isComparison) await find('PostgreSQL', () => findPostgres(options))
}

async function find(name: string, start: () => Promise<Service>): Promise<void> {
  try {
    const server = await start()
    say(`${name}: ${server.how}`)
    servers.set(name, server)
  } catch (error) {
    // The demo goes on without it, and says so.
    if (!isComparison || name === 'RabbitMQ') throw error
  }
}

async function broker(): Promise<Service> {
  const { url, how, node, ...broker } = await findBroker()
  const stop = () => broker.stop()
  if (!node) return { url, how, stop }
  const restart = async () => {
    await node.kill()
    await node.restart()
  }
  return { url, how, restart, stop }
}

function run(): Promise<number> {
  const killable = [...servers].filter(([, server]) => server.restart !== undefined)
  const urls = { AMQP_URL: 'RabbitMQ', REDIS_URL: 'Redis', DATABASE_URL: 'PostgreSQL' }
  const env: NodeJS.ProcessEnv = { ...process.env, DEMO_KILLS: killable.map(([name]) => name).join(',') }
  for (const [variable, name] of Object.entries(urls)) if (servers.has(name)) env[variable] = servers.get(name)!.url
  return new Promise((resolve, reject) => {
    demo = fork(DEMO, args, { env })
    demo.on('message', () => {
      const killed = Promise.all(killable.map(([, server]) => server.restart!()))
      killed.then(
        () => demo!.send('killed'),
        (error: unknown) => {
          say((error as Error).message)
          demo!.kill() // it would wait for ever
        },
      )
    })
    demo.on('error', reject)
    demo.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}
