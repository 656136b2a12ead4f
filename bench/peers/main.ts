// main.ts [OPTION …]: measures dueque beside its peers; scripts/bench peers installs them and runs it. Reading order: a
// contestant (contestants/raw.ts, contestants/dueque.ts, …), a work (works/steady.ts, …), run.ts, report/.
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { say } from '../../scripts/broker/say.js'
import { environmentOf } from '../report.js'
import { parseCommandLine, USAGE, type CommandLine, type Plan } from './options.js'
import { publish } from './report/publish.js'
import { sectionOf, settingsOf } from './report/tables.js'
import type { Results } from './results.js'
import { run } from './run.js'

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

const args = process.argv.slice(2)
const commandLine = understood()
if (commandLine.does === 'help') process.stdout.write(`${USAGE}\n`)
else if (commandLine.does === 'publish') await publish(commandLine.files).catch(refused)
else await measure(commandLine.plan)
// Whatever a peer has left open.
process.exit()

async function measure(plan: Plan): Promise<void> {
  const environment = environmentOf(['npm run bench:peers --', ...args].join(' '))
  const results: Results = { environment, sizes: plan.sizes, contestants: {}, cells: [] }
  const name = `peers-${environment.date.replace(/[:.]/g, '-')}.json`
  await mkdir(RESULTS, { recursive: true })
  // Of a client in the background: it does not end a run of hours.
  process.on('uncaughtException', (error) => {
    say(`an error that nobody handled: ${error.stack ?? String(error)}`)
    process.exitCode = 1
  })
  const keep = () => writeFile(`${RESULTS}${name}`, `${JSON.stringify(results, undefined, 2)}\n`)
  await run(plan, results, keep)
  const sections = plan.works.flatMap((work) => sectionOf(work, results) ?? [])
  process.stdout.write(`${[settingsOf(results), ...sections].join('\n\n')}\n`)
  say(
    `kept in bench/results/${name}${plan.sizes.form === 'short' ? ': a short run, whose figures are no measurements' : ''}`,
  )
  if (results.cells.some(({ outcome }) => 'failed' in outcome)) process.exitCode = 1
}

function understood(): CommandLine {
  try {
    return parseCommandLine(args)
  } catch (error) {
    say(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

function refused(error: unknown): void {
  say(`nothing is published: ${(error as Error).message}`)
  process.exitCode = 1
}
