/** The definition of a recurring message, as a strategy keeps it. */
export interface DefinitionRecord {
  readonly id: string
  /** Of two records of an id the one with the greater revision counts, in whatever order they were written. */
  readonly revision: number
  /** JSON, which a strategy does not look at. Undefined once the recurring message is removed. */
  readonly definition: string | undefined
}

/** The facet of a strategy that keeps the definitions of recurring messages. Nothing is declared before the first call. */
export interface RecurringDefinitions {
  /**
   * Resolves when the record is as safe as a waiting message of this strategy. A record with a smaller revision than that of
   * the present one changes nothing.
   *
   * @throws DuequeError whose `outcome` says whether the record may be there all the same
   */
  write(record: DefinitionRecord): Promise<void>
  /**
   * The present record of an id; undefined if there is none, or if it is removed.
   *
   * @param least a revision that is recent enough: a record that is known to this process and has it, or a greater one, is
   * answered at once. Without it, every record that was written before the call is known to the answer.
   */
  get(id: string, least?: number): Promise<DefinitionRecord | undefined>
  /** Every present record that was written before the call, without removed ones, in no order. */
  all(): AsyncIterable<DefinitionRecord>
  /**
   * Writes again what the strategy would forget, and what it turns out to have lost. Called by one process of a namespace,
   * about once an hour. Missing where nothing is forgotten.
   */
  renew?(): Promise<void>
}
