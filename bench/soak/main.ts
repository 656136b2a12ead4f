// main.ts [OPTION …]: see options.ts. Reading order: course.ts (what becomes of a message), plan.ts (what goes wrong), soak.ts,
// producer.ts and consumer.ts (the processes, run by crew.ts), faults.ts, rest.ts, books.ts and audit.ts.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PrivateCluster } from '../../scripts/broker/private-cluster.js'
import { say } from '../../scripts/broker/say.js'
import { commandOf, parseCommandLine, USAGE, type SoakOptions } from './options.js'
import { faultText, planOf } from './plan.js'
import { isClean, reportOf, type Run } from './report.js'
import { soak } from './soak.js'

const NODES = 3
const START_TIMEOUT_MS = 600_000
const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

try {
  const options = parseCommandLine(process.argv.slice(2))
  if (options) process.exitCode = (await main(options)) ? 0 : 1
  else process.stdout.write(`${USAGE}\n`)
} catch (error) {
  say((error as Error).message)
  // Other work may be in flight when it fails: the guards of the nodes clean up.
  process.exit(1)
}

/** Whether the run passed. */
async function main(options: SoakOptions): Promise<boolean> {
  const programs = process.env['DUEQUE_RABBITMQ_BIN']
  if (!programs) throw new Error('DUEQUE_RABBITMQ_BIN is not set: the folder of rabbitmq-server and rabbitmqctl')
  const plan = planOf({ ...options, seconds: options.minutes * 60, nodes: NODES })
  say(`to repeat: ${commandOf(options)}\nplan:`)
  for (const fault of plan) say(`  ${fault.atSeconds} s: ${faultText(fault)}`)
  const folder = `soak-${new Date().toISOString().replace(/[:.]/g, '-')}`
  await mkdir(`${RESULTS}${folder}`, { recursive: true })
  say('starting three nodes …')
  const cluster = await PrivateCluster.start({ programs, size: NODES, startTimeoutMs: START_TIMEOUT_MS })
  let run: Run
  const { version } = cluster.nodes[0]!
  try {
    if (isOld(version))
      say(`RabbitMQ ${version} itself loses or strands messages when it is killed: docs/operations/crashes.md`)
    run = await soak(cluster, { options, plan, folder: `${RESULTS}${folder}` })
  } finally {
    await cluster.stop()
  }
  const clean = isClean(run)
  const { rate, minutes } = options
  const head = `soak: RabbitMQ ${version}, ${NODES} nodes, ${rate} messages/s for ${minutes} min, delays 0–10 s`
  const report = `${head}\n${reportOf(run)}\nto repeat: ${commandOf(options)}\n${clean ? 'passed' : 'FAILED'}\n`
  process.stdout.write(`\n${report}`)
  if (clean && !options.keep) await rm(`${RESULTS}${folder}`, { recursive: true })
  else await keep(folder, report, run)
  return clean
}

async function keep(folder: string, report: string, { audited, faults }: Run): Promise<void> {
  const { findings } = audited
  await writeFile(`${RESULTS}${folder}/report.txt`, report)
  const details = { findings, troubles: faults.troubles }
  await writeFile(`${RESULTS}${folder}/findings.json`, `${JSON.stringify(details, undefined, 2)}\n`)
  say(`the ledgers are in bench/results/${folder}`)
}

/** docs/operations/crashes.md, "RabbitMQ 3.10 before 3.10.20". */
function isOld(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return major === 3 && (minor < 10 || (minor === 10 && patch < 20) || (minor === 11 && patch < 12))
}
