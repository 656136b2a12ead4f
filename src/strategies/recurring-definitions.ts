/** The definition of a recurring message, as a strategy keeps it. */
export interface DefinitionRecord {
  readonly id: string
  /** Of two records of an id the one with the greater revision counts, in whatever order they were written. */
  readonly revision: number
  /** JSON, which a strategy does not look at. Undefined once the recurring message is removed. */
  readonly definition: string | undefined
}

export interface DefinitionsQuery {
  /** The ids begin with it. */
  readonly idPrefix: string
  /** `next` of the page before. */
  readonly after: string | undefined
  /** The most records of a page. */
  readonly limit: number
}

export interface DefinitionsPage {
  readonly records: readonly DefinitionRecord[]
  /** Where the next page begins. Undefined if this is the last one. */
  readonly next: string | undefined
}

/** The facet of a strategy that keeps the definitions of recurring messages. Only {@link write} declares anything. */
export interface RecurringDefinitions {
  /**
   * Resolves when the record is as safe as a waiting message of this strategy. A record with a smaller revision than that of
   * the present one changes nothing.
   *
   * @returns the record of this id that was there right before, also that of a removed id; undefined if there was none. Of
   * writers at the same time each one knows its predecessor. The record itself if it was written twice, because an answer was lost
   * @throws DuequeError whose `outcome` says whether the record may be there all the same
   */
  write(record: DefinitionRecord): Promise<DefinitionRecord | undefined>
  /**
   * The present record of an id; undefined if there is none, or if it is removed.
   *
   * @param least a revision that is recent enough: a record that is known to this process and has it, or a greater one, is
   * answered at once. Without it, every record that was written before the call is known to the answer.
   */
  get(id: string, least?: number): Promise<DefinitionRecord | undefined>
  /** A page of the present records that were written before the call, without removed ones, by id. Its work is bounded. */
  page(query: DefinitionsQuery): Promise<DefinitionsPage>
  /** Every present record that was written before the call, without removed ones, in no order. */
  all(): AsyncIterable<DefinitionRecord>
  /**
   * Writes again what the strategy would forget, and what it turns out to have lost. Called by one process of a namespace,
   * about once an hour. Missing where nothing is forgotten.
   *
   * @param lost called with the id of each definition that was lost since this process read it, before any is written again, also if
   * another process has done so: messages that wait in the same broker may be lost, too
   */
  renew?(lost?: (id: string) => void): Promise<void>
}

/** Whether a record counts instead of the one that was there. Of equal revisions a removal counts. */
export function replaces({ revision, definition }: DefinitionRecord, known: DefinitionRecord | undefined): boolean {
  if (known === undefined || revision > known.revision) return true
  return revision === known.revision && definition === undefined && known.definition !== undefined
}
