import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { say } from '../scripts/broker/say.js'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))

export type Row = Record<string, string | number>

/** The result of a scenario. */
export interface Result {
  /** All options of the run, including defaults. */
  settings: Record<string, unknown>
  /** The table. */
  rows: Row[]
  /** Explanations of the table, one line each. */
  notes?: string[]
  /** Single measurements behind the table: only in the JSON. */
  details?: unknown
  /** Set if it was not the broker of the run. */
  brokerVersion?: string
}

/** Prints a result and keeps it as JSON. */
export async function report(
  scenario: string,
  { brokerVersion, ...result }: Result,
  environment: BrokerEnvironment,
): Promise<void> {
  const entries = Object.entries(result.settings).filter(([, value]) => value !== undefined)
  const settings = entries.map(([name, value]) => `${name} ${String(value)}`).join(', ')
  const lines = [`${scenario}: ${settings}`, table(result.rows), ...(result.notes ?? [])]
  process.stdout.write(`\n${lines.join('\n')}\n`)
  const broker = { ...environment.broker, ...(brokerVersion !== undefined && { version: brokerVersion }) }
  await save(scenario, { scenario, ...environment, broker, ...result })
}

/** The machine of a run. */
export interface Environment {
  date: string
  /** It repeats the run. */
  command: string
  node: string
  cpus: number
  cpuModel: string
  /** Load average of the last minute, at the start: other work of the machine. */
  load: number
}

export interface BrokerEnvironment extends Environment {
  broker: { version: string; erlang: string }
}

export function environmentOf(command: string): Environment {
  return {
    date: new Date().toISOString(),
    command,
    node: process.version,
    cpus: availableParallelism(),
    cpuModel: cpus()[0]?.model ?? 'unknown',
    load: loadavg()[0]!,
  }
}

export function environmentLine(environment: BrokerEnvironment): string {
  const { broker, node, cpus: count, cpuModel, date, command, load } = environment
  const software = `RabbitMQ ${broker.version} on Erlang ${broker.erlang}, Node ${node}`
  return `${software}, ${count} CPUs (${cpuModel}), load ${load.toFixed(1)}, ${date}\nto repeat: ${command}`
}

export function table(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  const cells = [names, ...rows.map((row) => names.map((name) => shown(row[name])))]
  const widths = names.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)))
  const aligned = (text: string, i: number) => {
    const left = typeof rows[0]![names[i]!] === 'string'
    return left ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)
  }
  return cells.map((line) => `  ${line.map(aligned).join('  ').trimEnd()}`).join('\n')
}

export function shown(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? ''
  if (Number.isNaN(value)) return '–'
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

async function save(scenario: string, content: object): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  const name = `${scenario}-${new Date().toISOString().replace(/[:.]/g, '-')}.json`
  await writeFile(`${RESULTS}${name}`, `${JSON.stringify(content, undefined, 2)}\n`)
  say(`kept in bench/results/${name}`)
}
