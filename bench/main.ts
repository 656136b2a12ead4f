// main.ts [SCENARIO …] [OPTION …]: measures dueque on the broker of AMQP_URL and RABBITMQ_MANAGEMENT_URL, which
// scripts/bench sees to. Reading order: a scenario (rate.ts, lateness.ts, …), load.ts, receiving.ts, receiver.ts.
import { say } from '../scripts/broker/say.js'
import { brokerAt, inVhost, type Broker } from './broker.js'
import { backpressure } from './backpressure.js'
import { burst } from './burst.js'
import { cancellations } from './cancellations.js'
import { cluster } from './cluster.js'
import { crash } from './crash.js'
import { expiry } from './expiry.js'
import { file } from './file.js'
import { idle } from './idle.js'
import { journal } from './journal.js'
import { journalReading } from './journal-reading.js'
import { lateness } from './lateness.js'
import { memory } from './memory.js'
import { parseCommandLine, USAGE, type CommandLine, type Options } from './options.js'
import { partition } from './partition.js'
import { rate } from './rate.js'
import { recurring } from './recurring.js'
import { telemetry } from './telemetry.js'
import { strategies } from './strategies/strategies.js'
import { environmentLine, environmentOf, report, type Result } from './report.js'

type Scenario = (broker: Broker, options: Options) => Promise<Result>
const SCENARIOS: Record<string, Scenario> = {
  rate,
  lateness,
  memory,
  burst,
  crash,
  file,
  backpressure,
  cluster,
  partition,
  idle,
  expiry,
  cancellations,
  journal,
  'journal-reading': journalReading,
  telemetry,
  recurring,
  strategies,
}
/** Scenarios that take minutes and the whole machine, or need more than a broker. */
const ONLY_BY_NAME = [
  'file',
  'backpressure',
  'cluster',
  'partition',
  'idle',
  'expiry',
  'cancellations',
  'journal',
  'journal-reading',
  'telemetry',
  'recurring',
  'strategies',
]

const args = process.argv.slice(2)
const commandLine = understood()
if (commandLine.help) process.stdout.write(`${USAGE}\n`)
else await main(commandLine)

async function main({ scenarios, options }: CommandLine): Promise<void> {
  const broker = givenBroker()
  const overview = await broker.ask<{ rabbitmq_version: string; erlang_version: string }>('/overview')
  const environment = {
    ...environmentOf(['npm run bench --', ...args].join(' ')),
    broker: { version: overview.rabbitmq_version, erlang: overview.erlang_version },
  }
  process.stdout.write(`${environmentLine(environment)}\n`)
  const usual = Object.keys(SCENARIOS).filter((name) => !ONLY_BY_NAME.includes(name))
  for (const name of scenarios.length > 0 ? scenarios : usual) {
    say(`\n${name} …`)
    const result = await inVhost(broker, (inside) => SCENARIOS[name]!(inside, options))
    await report(name, result, { ...environment, date: new Date().toISOString() })
  }
}

function understood(): CommandLine {
  try {
    const parsed = parseCommandLine(args)
    const unknown = parsed.scenarios.find((name) => !(name in SCENARIOS))
    if (unknown === undefined) return parsed
    throw new Error(`there is no scenario '${unknown}'`)
  } catch (error) {
    say(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

function givenBroker(): Broker {
  const { AMQP_URL, RABBITMQ_MANAGEMENT_URL } = process.env
  if (AMQP_URL && RABBITMQ_MANAGEMENT_URL) return brokerAt(AMQP_URL, RABBITMQ_MANAGEMENT_URL)
  say('AMQP_URL and RABBITMQ_MANAGEMENT_URL are needed, the latter for a virtual host and for what queues cost')
  process.exit(1)
}
