import { expect, onTestFinished, test, vi } from 'vitest'
import { documents, start } from '../cli/dueque.js'
import { managementUrl, poll, useVhost } from '../support/broker.js'
import { startChildWith } from '../support/child.js'
import { dashboardQueries, type Query } from '../support/dashboard.js'
import { NO_PROMETHEUS, startPrometheus } from '../support/prometheus.js'
import { useRedis } from '../support/redis.js'
import { FIND_TIMEOUT_MS } from '../support/services.js'

vi.setConfig({ testTimeout: FIND_TIMEOUT_MS }) // Prometheus may have to be installed

const vhost = useVhost()
const redis = useRedis()

/** The example that makes a load, and its metrics: host and port. */
async function startLoad(): Promise<string> {
  const program = new URL('../../examples/observe/load.ts', import.meta.url)
  const env = { AMQP_URL: vhost.url, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix, PORT: '0' }
  const { lines, process } = startChildWith(env, program)
  const line = await poll(() => lines[0], { what: 'the metrics of the load', timeoutMs: 60_000 })
  onTestFinished(async () => {
    process.kill('SIGTERM')
    await poll(() => process.exitCode !== null, { what: 'the end of the load', timeoutMs: 30_000 })
  })
  return new URL(line.slice(line.indexOf('http'))).host
}

async function startMetrics(management: string): Promise<string> {
  const env = { AMQP_URL: vhost.url, DUEQUE_REDIS_URL: redis.url, DUEQUE_REDIS_PREFIX: redis.prefix }
  const metrics = start(['metrics', '--port', '0', '--json', '--management', management], env)
  let out = ''
  metrics.child.stdout.on('data', (text: string) => (out += text))
  await metrics.printed(1)
  return `127.0.0.1:${String(documents(out)[0]!['port'])}`
}

test('each query of the dashboard has a value while messages are scheduled and handled', async ({ skip }) => {
  const management = managementUrl()
  if (management === undefined) return skip('RABBITMQ_MANAGEMENT_URL is not set')
  const targets = await Promise.all([startLoad(), startMetrics(management)])
  const prometheus = await startPrometheus({ dueque: targets })
  if (!prometheus) return skip(NO_PROMETHEUS)
  onTestFinished(() => prometheus.stop())
  const valued = async ({ expr }: Query) => {
    const filled = expr.replaceAll('$queue', '.*').replaceAll('$__rate_interval', '15s')
    expect(filled).not.toContain('$')
    return (await prometheus.query(filled)).some(({ value }) => Number.isFinite(value))
  }
  for (const query of await dashboardQueries()) {
    const { panel, legend, expr } = query
    await poll(() => valued(query), {
      what: `${panel}, ${legend}: a value of ${expr}`,
      timeoutMs: 60_000,
      intervalMs: 250,
    })
  }
})
