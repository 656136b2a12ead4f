import { everyPage } from '../definitions/every-page.js'
import type {
  DefinitionRecord,
  DefinitionsPage,
  DefinitionsQuery,
  RecurringDefinitions,
} from '../recurring-definitions.js'
import { behindPrefix, storedPrefix } from '../store/marks.js'
import { storedNumber } from '../store/stored-number.js'
import { revisionOf } from '../definitions/definition-line.js'
import { STORE } from './failures.js'
import type { ScriptRunner } from './script-runner.js'
import { GET_DEFINITION, PAGE_DEFINITIONS, WRITE_DEFINITION } from './scripts/definition-scripts.js'

const COLON = 0x3a

export interface RedisDefinitionsOptions {
  scripts: ScriptRunner
  prefix: string
  /** Called with the name of an entry that cannot be read. */
  unreadable: (name: string, error: unknown) => void
}

/** The definitions of recurring messages in a hash. */
export class RedisDefinitions implements RecurringDefinitions {
  readonly #scripts: ScriptRunner
  readonly #keys: readonly string[]
  readonly #unreadable: RedisDefinitionsOptions['unreadable']

  constructor({ scripts, prefix, unreadable }: RedisDefinitionsOptions) {
    this.#scripts = scripts
    this.#keys = ['recurring', 'recurring:removed', 'recurring:ids'].map((name) => `{${prefix}}:${name}`)
    this.#unreadable = unreadable
  }

  /** @throws DuequeError `STORE_ERROR` */
  async write({ id, revision, definition = '' }: DefinitionRecord): Promise<DefinitionRecord | undefined> {
    const field = Buffer.from(fieldOf(id))
    const reply = await this.#scripts.run(WRITE_DEFINITION, [field, String(revision), definition], this.#keys)
    return reply === null ? undefined : this.#read(field, reply as Buffer)
  }

  /** @throws DuequeError `STORE_ERROR` */
  async get(id: string): Promise<DefinitionRecord | undefined> {
    const field = Buffer.from(fieldOf(id))
    const held = (await this.#scripts.run(GET_DEFINITION, [field], this.#keys)) as Buffer | null
    const record = held ? this.#read(field, held) : undefined
    return record?.definition === undefined ? undefined : record
  }

  async page({ idPrefix, after, limit }: DefinitionsQuery): Promise<DefinitionsPage> {
    const [first, behind] = [storedPrefix(idPrefix), behindPrefix(idPrefix)]
    const last = after === undefined ? undefined : placeOf(after)
    // As bytes are ordered.
    const isBehind = last && Buffer.compare(last, Buffer.from(first)) >= 0
    const from = isBehind ? Buffer.concat([Buffer.from('('), last]) : `[${first}`
    const bounds = [from, behind === undefined ? '+' : `(${behind}`]
    const reply = await this.#scripts.run(PAGE_DEFINITIONS, [...bounds, String(limit + 1)], this.#keys)
    const entries = entriesOf(reply as Buffer[])
    const records = entries.slice(0, limit).flatMap(([field, held]) => this.#read(field, held) ?? [])
    const next = entries.length > limit ? cursorOf(entries[limit - 1]![0]) : undefined
    return {
      records: records.filter(({ id, definition }) => definition !== undefined && id.startsWith(idPrefix)),
      next,
    }
  }

  all(): AsyncGenerator<DefinitionRecord> {
    return everyPage(this)
  }

  /** Undefined if the entry cannot be read. */
  #read(field: Buffer, held: Buffer): DefinitionRecord | undefined {
    try {
      const colon = held.indexOf(COLON)
      if (colon < 1) throw new Error('expected a revision, a colon and a definition')
      const definition = held.toString('utf8', colon + 1) || undefined
      const revision = revisionOf(storedNumber(held.toString('utf8', 0, colon), STORE))
      return { id: idOf(field), revision, definition }
    } catch (error) {
      this.#unreadable(`${this.#keys[0]} ${field.toString()}`, error)
      return undefined
    }
  }
}

function entriesOf(reply: readonly Buffer[]): [field: Buffer, held: Buffer][] {
  const entries: [field: Buffer, held: Buffer][] = []
  for (let i = 0; i < reply.length; i += 2) entries.push([reply[i]!, reply[i + 1]!])
  return entries
}

/** An id as in JSON, without the quotes: UTF-8 has no halves of surrogate pairs. */
function fieldOf(id: string): string {
  return JSON.stringify(id).slice(1, -1)
}

/** @throws Error for a field that {@link fieldOf} has not made: somebody else may have written it */
function idOf(field: Buffer): string {
  const id = JSON.parse(`"${field.toString()}"`) as string
  if (!Buffer.from(fieldOf(id)).equals(field)) throw new Error('expected an id as JSON has it')
  return id
}

/** Before the bytes of a field that is no text: no id has it. */
const BYTES = '\0'

/** A page goes on behind any field, whoever has written it. */
function cursorOf(field: Buffer): string {
  const text = field.toString()
  return Buffer.from(text).equals(field) ? text : `${BYTES}${field.toString('latin1')}`
}

function placeOf(cursor: string): Buffer {
  return cursor.startsWith(BYTES) ? Buffer.from(cursor.slice(1), 'latin1') : Buffer.from(cursor)
}
