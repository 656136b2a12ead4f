import type { DefinitionRecord, RecurringDefinitions } from '../recurring-definitions.js'
import { storedNumber } from '../store/stored-number.js'
import { STORE } from './failures.js'
import type { ScriptRunner } from './script-runner.js'
import { GET_DEFINITION, PAGE_DEFINITIONS, WRITE_DEFINITION } from './scripts/definition-scripts.js'

/** Entries of one answer, about. */
const PAGE = '500'
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
    this.#keys = ['recurring', 'recurring:removed'].map((name) => `{${prefix}}:${name}`)
    this.#unreadable = unreadable
  }

  /** @throws DuequeError `STORE_ERROR` */
  async write({ id, revision, definition = '' }: DefinitionRecord): Promise<void> {
    await this.#scripts.run(WRITE_DEFINITION, [fieldOf(id), String(revision), definition], this.#keys)
  }

  /** @throws DuequeError `STORE_ERROR` */
  async get(id: string): Promise<DefinitionRecord | undefined> {
    const field = fieldOf(id)
    const held = (await this.#scripts.run(GET_DEFINITION, [field], this.#keys)) as Buffer | null
    return held ? this.#read(field, held) : undefined
  }

  async *all(): AsyncGenerator<DefinitionRecord> {
    const seen = new Set<string>()
    for (let cursor = '0'; ;) {
      const reply = (await this.#scripts.run(PAGE_DEFINITIONS, [cursor, PAGE], this.#keys)) as [Buffer, ...Buffer[]]
      const [next, ...found] = reply
      for (let i = 0; i < found.length; i += 2) {
        const field = found[i]!.toString()
        const record = seen.has(field) ? undefined : this.#read(field, found[i + 1]!)
        seen.add(field)
        if (record) yield record
      }
      cursor = next.toString()
      if (cursor === '0') return
    }
  }

  /** Undefined if the id is removed, or the entry cannot be read. */
  #read(field: string, held: Buffer): DefinitionRecord | undefined {
    try {
      const colon = held.indexOf(COLON)
      if (colon < 1) throw new Error('expected a revision, a colon and a definition')
      const definition = held.toString('utf8', colon + 1)
      if (definition === '') return undefined
      const revision = storedNumber(held.toString('utf8', 0, colon), STORE)
      return { id: JSON.parse(`"${field}"`) as string, revision, definition }
    } catch (error) {
      this.#unreadable(`${this.#keys[0]} ${field}`, error)
      return undefined
    }
  }
}

/** An id as in JSON, without the quotes: UTF-8 has no halves of surrogate pairs. */
function fieldOf(id: string): string {
  return JSON.stringify(id).slice(1, -1)
}
