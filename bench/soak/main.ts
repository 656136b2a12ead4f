// main.ts [OPTION …]: see options.ts. Reading order: course.ts (what becomes of a message), plan.ts (what goes wrong), soak.ts,
// producer.ts and consumer.ts (the processes, run by crew.ts), faults.ts and nemeses.ts, rest.ts, books.ts, and the checker in
// scripts/checker.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { say } from '../../scripts/broker/say.js'
import { buildOf } from './earlier-build.js'
import { commandOf, parseCommandLine, USAGE, type SoakOptions } from './options.js'
import { faultText, planOf, type Fault } from './plan.js'
import { isClean, reportOf, type Run } from './report.js'
import { soak } from './soak.js'
import { nemesesOf, NODES, processFaultsOf, startWorld, type World } from './world.js'

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
  const folder = `soak-${new Date().toISOString().replace(/[:.]/g, '-')}`
  await mkdir(`${RESULTS}${folder}`, { recursive: true })
  say(`to repeat: ${commandOf(options)}\nstarting three nodes and the stores …`)
  const earlier = options.beside === undefined ? undefined : buildOf(options.beside)
  const others = earlier ? 1 : 0
  const all = { ...options, producers: options.producers + others, consumers: options.consumers + others }
  const world = await startWorld(programs)
  let run: Run
  const { version } = world.cluster.nodes[0]!
  try {
    for (const text of world.missing) say(text)
    if (isOld(version))
      say(`RabbitMQ ${version} itself loses or strands messages when it is killed: docs/operations/crashes.md`)
    run = await soak(world, { options: all, plan: planFor(world, all), folder: `${RESULTS}${folder}`, earlier })
  } finally {
    await world.stop()
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

function planFor(world: World, options: SoakOptions): Fault[] {
  const { minutes, producers, consumers } = options
  const possible = nemesesOf(world)
  for (const name of options.nemeses ?? []) if (!possible.includes(name)) throw new Error(`--nemeses: no ${name} here`)
  const plan = planOf({
    ...options,
    seconds: minutes * 60,
    nodes: NODES,
    nemeses: options.nemeses ?? possible,
    processFaults: processFaultsOf(world, producers, consumers),
  })
  say('plan:')
  for (const fault of plan) say(`  ${fault.atSeconds} s: ${faultText(fault)}`)
  return plan
}

async function keep(folder: string, report: string, { verdict, faults }: Run): Promise<void> {
  const { findings } = verdict
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
