import type { Pool, PoolClient } from 'pg'
import { statementsFor } from '../../../src/strategies/postgres/statements.js'

interface Plan {
  readonly statement: string
  /** `Index Scan using messages_due on messages`, without those of other tables. */
  readonly scans: readonly string[]
  /** Pages of 8 KiB that the statement reads or changes. */
  readonly pages: number
}

interface Node {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  Plans?: Node[]
}

interface Explained {
  Plan: Node & { 'Shared Hit Blocks': number; 'Shared Read Blocks': number }
}

/** The statements that the clients of a pool send. */
export class Sent {
  readonly #pool: Pool
  readonly #names: ReadonlyMap<string, string>
  #sent: { text: string; values: unknown[] }[] = []
  #isOn = false
  /** All statements so far, of every connection. */
  count = 0

  constructor(pool: Pool, schema: string) {
    this.#pool = pool
    this.#names = new Map(Object.entries(statementsFor(schema)).map(([name, text]) => [text, name]))
    pool.on('connect', (client) => this.#watch(client))
  }

  async during(work: () => Promise<void>): Promise<void> {
    this.#sent = []
    this.#isOn = true
    await work()
    this.#isOn = false
  }

  /** The plan of each statement: executes it again, and rolls it back. */
  async plans(): Promise<Plan[]> {
    const plans: Plan[] = []
    const client = await this.#pool.connect()
    try {
      for (const { text, values } of this.#sent) {
        const statement = this.#names.get(text)
        if (statement === undefined) continue
        await client.query('BEGIN')
        const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`
        const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(explain, values)
        await client.query('ROLLBACK')
        const { Plan: plan } = rows[0]!['QUERY PLAN'][0]
        const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
        plans.push({ statement, scans: scansIn(plan), pages })
      }
      return plans
    } finally {
      client.release()
    }
  }

  #watch(client: PoolClient): void {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    client.query = ((...args: unknown[]) => {
      this.count++
      const [text, values] = args
      if (this.#isOn && typeof text === 'string') this.#sent.push({ text, values: values as unknown[] })
      return query(...args)
    }) as typeof client.query
  }
}

function scansIn(node: Node): string[] {
  const { 'Node Type': type, 'Relation Name': relation, 'Index Name': index, Plans: below = [] } = node
  const own =
    relation === 'messages' && type !== 'ModifyTable' ? [`${type} on messages${index ? ` (${index})` : ''}`] : []
  return [...own, ...below.flatMap(scansIn)]
}
