import type { Timeline } from '../../base/clock.js'
import { DefinitionTable } from '../definitions/definition-table.js'
import type {
  DefinitionRecord,
  DefinitionsPage,
  DefinitionsQuery,
  RecurringDefinitions,
} from '../recurring-definitions.js'

/** The definitions of recurring messages in the process. */
export class MemoryDefinitions implements RecurringDefinitions {
  readonly #clock: Timeline
  #table = new DefinitionTable()

  constructor(clock: Timeline) {
    this.#clock = clock
  }

  write(record: DefinitionRecord): Promise<DefinitionRecord | undefined> {
    return Promise.resolve(this.#table.add(record, this.#clock.now()))
  }

  get(id: string): Promise<DefinitionRecord | undefined> {
    return Promise.resolve(this.#table.present(id))
  }

  page(query: DefinitionsQuery): Promise<DefinitionsPage> {
    return Promise.resolve(this.#table.page(query))
  }

  async *all(): AsyncGenerator<DefinitionRecord> {
    yield* await Promise.resolve(this.present())
  }

  /** The present records of this moment, in no order. */
  present(): readonly DefinitionRecord[] {
    return [...this.#table.all()]
  }

  clear(): void {
    this.#table = new DefinitionTable()
  }
}
