// observe.ts [FOLDER]: takes the picture of docs/guides/prometheus.md, on the broker of AMQP_URL, to which it sends a load.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { env, execPath, exit } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { say } from '../broker/say.js'
import { prometheusPrograms } from '../services/find-prometheus.js'
import { PrivatePrometheus } from '../services/private-prometheus.js'
import { findChromium, launchChromium } from './chromium.js'

const PROJECT = join(import.meta.dirname, '../..')
const LASTS_MS = 240_000
const SHOWN = '3m'
const GRAPHS = [
  'histogram_quantile(0.99, sum by (le, queue) (rate(dueque_message_lateness_seconds_bucket[15s])))',
  'sum by (queue, outcome) (rate(dueque_messages_processed_total{outcome!="cancelled"}[15s]))',
]

const folder = process.argv[2] ?? join(PROJECT, 'docs/images')
const [chromium, programs] = [findChromium(), await prometheusPrograms()]
if (!env['AMQP_URL'] || !chromium || programs === undefined) {
  say('the picture needs a broker, Prometheus and a Chromium (CHROMIUM_BIN, or on the PATH)')
  exit(1)
}
const load = spawn(execPath, ['--import', 'tsx', join(PROJECT, 'examples/observe/load.ts')], {
  env: { ...env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  await observe(await hostOf(load), programs, chromium)
} finally {
  load.kill()
}

async function observe(target: string, programs: string, chromium: string): Promise<void> {
  const prometheus = await PrivatePrometheus.start({ programs, targets: { dueque: [target] } })
  const browser = await launchChromium(chromium)
  try {
    say(`a load of ${LASTS_MS / 60_000} minutes …`)
    await pause(LASTS_MS)
    const page = await browser.newPage({ viewport: { width: 1200, height: 1300 } })
    const graphs = GRAPHS.map(
      (expr, i) => `g${i}.expr=${encodeURIComponent(expr)}&g${i}.tab=0&g${i}.range_input=${SHOWN}`,
    )
    await page.goto(`${prometheus.url}/graph?${graphs.join('&')}`)
    await page.waitForTimeout(3000) // until the graphs are drawn
    const path = join(folder, 'prometheus.png')
    await page.screenshot({ path, fullPage: true, animations: 'disabled' })
    say(path)
  } finally {
    await browser.close()
    await prometheus.stop()
  }
}

/** The first line that the load prints ends with the URL of its metrics. */
async function hostOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout! })) return new URL(line.slice(line.indexOf('http'))).host
  throw new Error('the load ended before it had metrics')
}
