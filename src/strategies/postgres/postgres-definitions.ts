import { revisionOf } from '../definitions/definition-line.js'
import { everyPage } from '../definitions/every-page.js'
import {
  replaces,
  type DefinitionRecord,
  type DefinitionsPage,
  type DefinitionsQuery,
  type RecurringDefinitions,
} from '../recurring-definitions.js'
import { behindPrefix, storedPrefix } from '../store/marks.js'
import { isTrue, numberIn, type Row } from './answer.js'
import { Inserter } from './inserter.js'
import type { Queries } from './queries.js'
import { textArray, textIn, textOf } from './row.js'

/** A record with a key that tells it from other records. */
interface DefinitionRow extends DefinitionRecord {
  readonly key: string
}

/** The definitions of recurring messages in the table `definitions`. Ids are stored as JSON has them. */
export class PostgresDefinitions implements RecurringDefinitions {
  readonly #queries: Queries
  readonly #unreadable: (name: string, error: unknown) => void
  readonly #inserter: Inserter<DefinitionRow, DefinitionRecord | undefined>

  /** @param unreadable called with the name of a row that cannot be read */
  constructor(queries: Queries, unreadable: (name: string, error: unknown) => void) {
    this.#queries = queries
    this.#unreadable = unreadable
    this.#inserter = new Inserter(
      (rows) => this.#write(rows),
      ({ id, definition }) => id.length + (definition?.length ?? 0),
    )
  }

  /** @throws DuequeError `STORE_ERROR` */
  write({ id, revision, definition }: DefinitionRecord): Promise<DefinitionRecord | undefined> {
    return this.#inserter.add({ key: JSON.stringify([id, revision, definition]), id, revision, definition })
  }

  /** @throws DuequeError `STORE_ERROR` */
  async get(id: string): Promise<DefinitionRecord | undefined> {
    const [row] = await this.#queries.run('definitionsGet', [textOf(id)])
    return row && this.#read(row)
  }

  async page({ idPrefix, after, limit }: DefinitionsQuery): Promise<DefinitionsPage> {
    const values = [storedPrefix(idPrefix), after ?? '', behindPrefix(idPrefix) ?? null, limit + 1]
    const rows = await this.#queries.run('definitionsPage', values)
    const records = rows.slice(0, limit).flatMap((row) => this.#read(row) ?? [])
    // As it is stored: a page goes on behind any row, whoever has written it.
    const next = rows.length > limit ? rows[limit - 1]![0]! : undefined
    return { records: records.filter(({ id }) => id.startsWith(idPrefix)), next }
  }

  all(): AsyncGenerator<DefinitionRecord> {
    return everyPage(this)
  }

  /** Once everything that was written has its outcome. */
  end(): Promise<void> {
    return this.#inserter.end()
  }

  /** Undefined if the row cannot be read. */
  #read(row: Row): DefinitionRecord | undefined {
    try {
      return recordOf(row)
    } catch (error) {
      this.#unreadable(`definition ${row[0]}`, error)
      return undefined
    }
  }

  /** @returns the record of the id before each of them: for one that another of them overtakes, that one */
  async #write(rows: readonly DefinitionRow[]): Promise<(DefinitionRecord | undefined)[]> {
    const last = new Map<string, DefinitionRow>()
    for (const row of rows) if (replaces(row, last.get(row.id))) last.set(row.id, row)
    const before = new Map<string, DefinitionRecord | undefined>()
    for (let left = [...last.values()]; left.length > 0; left = left.filter(({ id }) => !before.has(id)))
      for (const [id, done, ...old] of await this.#queries.run('definitionsWrite', valuesOf(left)))
        if (isTrue(done)) before.set(textIn(id!), old[0] === null ? undefined : this.#read([id!, ...old]))
    return rows.map((row) => (last.get(row.id) === row ? before.get(row.id) : last.get(row.id)))
  }
}

function valuesOf(rows: readonly DefinitionRow[]): string[] {
  return [
    textArray(rows.map(({ id }) => textOf(id))),
    `{${rows.map(({ revision }) => revision).join()}}`,
    // As it is: JSON holds nothing that PostgreSQL's text cannot.
    textArray(rows.map(({ definition = null }) => definition)),
  ]
}

/** @throws Error for a row that somebody else has written */
function recordOf([stored, revision, definition]: Row): DefinitionRecord {
  const id = textIn(stored!)
  if (textOf(id) !== stored) throw new Error('expected an id as JSON has it')
  return { id, revision: revisionOf(numberIn(revision)), definition: definition ?? undefined }
}
