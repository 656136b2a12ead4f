import type { DefinitionRecord, RecurringDefinitions } from '../recurring-definitions.js'
import { numberIn, type Row } from './answer.js'
import { Inserter } from './inserter.js'
import type { Queries } from './queries.js'
import { textArray, textOf } from './row.js'

const PAGE = 500

/** A record in the columns of the table. */
interface DefinitionRow {
  /** Tells it from other records. */
  readonly key: string
  readonly id: string
  readonly revision: number
  /** As it is: JSON holds nothing that PostgreSQL's text cannot. */
  readonly definition: string | null
}

/** The definitions of recurring messages in the table `definitions`. */
export class PostgresDefinitions implements RecurringDefinitions {
  readonly #queries: Queries
  readonly #inserter: Inserter<DefinitionRow>

  constructor(queries: Queries) {
    this.#queries = queries
    this.#inserter = new Inserter(
      (rows) => this.#write(rows),
      ({ id, definition }) => id.length + (definition?.length ?? 0),
    )
  }

  /** @throws DuequeError `STORE_ERROR` */
  write({ id, revision, definition }: DefinitionRecord): Promise<void> {
    const row = { id: textOf(id), revision, definition: definition ?? null }
    return this.#inserter.add({ key: JSON.stringify(Object.values(row)), ...row })
  }

  /** @throws DuequeError `STORE_ERROR` */
  async get(id: string): Promise<DefinitionRecord | undefined> {
    const [row] = await this.#queries.run('definitionsGet', [textOf(id)])
    return row && recordOf(row)
  }

  async *all(): AsyncGenerator<DefinitionRecord> {
    for (let after = ''; ;) {
      const rows = await this.#queries.run('definitionsPage', [after, PAGE])
      yield* rows.map(recordOf)
      if (rows.length < PAGE) return
      after = rows.at(-1)![0]!
    }
  }

  /** Once everything that was written has its outcome. */
  end(): Promise<void> {
    return this.#inserter.end()
  }

  async #write(rows: readonly DefinitionRow[]): Promise<void> {
    await this.#queries.run('definitionsWrite', [
      textArray(rows.map(({ id }) => id)),
      `{${rows.map(({ revision }) => revision).join()}}`,
      textArray(rows.map(({ definition }) => definition)),
    ])
  }
}

function recordOf([id, revision, definition]: Row): DefinitionRecord {
  return { id: JSON.parse(`"${id}"`) as string, revision: numberIn(revision)!, definition: definition! }
}
