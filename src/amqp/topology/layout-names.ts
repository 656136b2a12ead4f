import { destinationText, type Destination } from '../../message/destination.js'
import { DuequeError } from '../../base/errors.js'
import { LAYOUT, Names } from './names.js'

const MARK = `.${LAYOUT}.`
const NAMESPACE = /^[\w.:-]{1,64}$/
/** Of {@link Names}, behind the namespace and the version. */
const PART =
  /^(?:deliver|unroutable|parked|delayed|dead|(?:entry|next)\.(?:ms|[smhdc])|(?:wait|safe)\.(?:classic\.)?[1-9]\d*(?:ms|[smhd])(?:\.\d+)?|to(?:-queue)?\..+)$/s

/** The namespaces of which a queue or exchange of this name would be a part of the layout. */
export function namespacesOf(name: string): string[] {
  const found: string[] = []
  for (let at = name.indexOf(MARK); at >= 0; at = name.indexOf(MARK, at + 1)) {
    const namespace = name.slice(0, at)
    if (NAMESPACE.test(namespace) && PART.test(name.slice(at + MARK.length))) found.push(namespace)
  }
  return found
}

/** The error for a destination that is a part of a namespace's layout. */
export function partOfLayout(destination: Destination, namespace: string): DuequeError<'RESERVED_NAME'> {
  const text = destinationText(destination)
  const message = `${text} is one of dueque's own queues and exchanges, in the namespace "${namespace}": choose another destination`
  return new DuequeError('RESERVED_NAME', message, { name: destination.queue ?? destination.exchange })
}

/** @throws DuequeError `RESERVED_NAME` for a queue or exchange of this namespace's layout */
export function assertOutside(destination: Destination, namespace: string): void {
  const name = destination.queue ?? destination.exchange
  if (namespacesOf(name).includes(namespace)) throw partOfLayout(destination, namespace)
}

/**
 * Tells destinations from dueque's own queues and exchanges: those of the connected namespace by their name, those of
 * others by that and by the exchanges that every namespace has. A message in a rung that has no path behind it would jam
 * that rung for everybody.
 */
export class LayoutNames {
  readonly #own: string
  readonly #exists: (exchange: string) => Promise<boolean>
  /** Names that look like parts of a layout, and are not. */
  readonly #users = new Set<string>()

  constructor({ namespace }: Names, exists: (exchange: string) => Promise<boolean>) {
    this.#own = namespace
    this.#exists = exists
  }

  /** Whether a destination is known to be none of dueque's own, without asking anybody. */
  isUsers({ queue, exchange }: Destination): boolean {
    const name = queue ?? exchange
    return !name.includes(MARK) || this.#users.has(name) || namespacesOf(name).length === 0
  }

  /** @throws DuequeError `RESERVED_NAME` for one of dueque's own */
  async check(destination: Destination): Promise<void> {
    if (this.isUsers(destination)) return
    const name = destination.queue ?? destination.exchange
    for (const namespace of namespacesOf(name)) {
      if (namespace === this.#own || (await this.#isNamespace(namespace))) throw partOfLayout(destination, namespace)
    }
    this.#users.add(name)
  }

  /** What was seen before may have changed. */
  forget(): void {
    this.#users.clear()
  }

  async #isNamespace(namespace: string): Promise<boolean> {
    const { deliver, unroutable } = new Names(namespace)
    return (await this.#exists(deliver)) && (await this.#exists(unroutable))
  }
}
