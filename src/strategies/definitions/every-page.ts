import type { DefinitionRecord, RecurringDefinitions } from '../recurring-definitions.js'

const PAGE = 500

/** Every present record, page by page. */
export async function* everyPage(definitions: Pick<RecurringDefinitions, 'page'>): AsyncGenerator<DefinitionRecord> {
  for (let after: string | undefined, isOver = false; !isOver;) {
    const { records, next } = await definitions.page({ idPrefix: '', after, limit: PAGE })
    yield* records
    after = next
    isOver = next === undefined
  }
}
