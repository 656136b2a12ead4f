import type { DefinitionRecord } from '../recurring-definitions.js'

/** A record that this process writes. */
export interface OwnRecord {
  readonly line: string
  /** Resolves when it has come back from the stream. */
  readonly back: Promise<void>
  /** What its id had until then, once it is back. */
  answer: { readonly before: DefinitionRecord | undefined } | undefined
}

/** The records that this process writes into a stream, until they come back: only the stream tells their order among others. */
export class OwnRecords {
  readonly #expected = new Map<string, { readonly own: OwnRecord; readonly arrive: () => void }>()

  /** @param line as it is to be written */
  expect(line: string): OwnRecord {
    const twin = this.#expected.get(line)
    if (twin) return twin.own
    const { promise: back, resolve: arrive } = promiseWithResolvers()
    const own: OwnRecord = { line, back, answer: undefined }
    this.#expected.set(line, { own, arrive })
    return own
  }

  /** Called with each line of the stream. @param before the record of its id until then */
  arrived(line: string, before: DefinitionRecord | undefined): void {
    const expected = this.#expected.get(line)
    if (!expected) return
    expected.own.answer ??= { before }
    expected.arrive()
  }

  forget({ line }: OwnRecord): void {
    this.#expected.delete(line)
  }
}

function promiseWithResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
