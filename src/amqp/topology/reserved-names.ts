import { DuequeError } from '../../base/errors.js'
import { destinationText, type Destination } from '../../message/destination.js'
import { LAYOUT, Names } from './names.js'

const MARK = `.${LAYOUT}.`
const NAMESPACE = /^[\w.:-]{1,64}$/
/**
 * What the wire format reserves behind the namespace and the version, whichever strategy a process uses: the names of every
 * strategy are among them.
 */
const PART =
  /^(?:deliver|unroutable|parked|delayed|dead|ticks|recurring(?:\.lock)?|(?:cancellations|journal)(?:\.(?:1h|8h|3d|30d|1y|10y)(?:\.lock)?)?|(?:entry|next)\.(?:ms|[smhdc])|(?:wait|safe)\.(?:classic\.)?[1-9]\d*(?:ms|[smhd])(?:\.\d+)?|to(?:-queue)?\..+)$/s

/** The namespaces in which this name of a queue or exchange is reserved. */
export function namespacesOf(name: string): string[] {
  const found: string[] = []
  for (let at = name.indexOf(MARK); at >= 0; at = name.indexOf(MARK, at + 1)) {
    const namespace = name.slice(0, at)
    if (NAMESPACE.test(namespace) && PART.test(name.slice(at + MARK.length))) found.push(namespace)
  }
  return found
}

/** Whether a message is for a queue of dueque's own, such as that of ticks: users do not see it among theirs. */
export function isForOwnQueue({ destination: { queue } }: { readonly destination: Destination }): boolean {
  return queue !== undefined && queue.includes(MARK) && namespacesOf(queue).length > 0
}

/** The error for a destination that has one of the names that a namespace reserves. */
export function reservedName(destination: Destination, namespace: string): DuequeError<'RESERVED_NAME'> {
  const text = destinationText(destination)
  const message = `${text} is one of dueque's own queues and exchanges, in the namespace "${namespace}": choose another destination`
  return new DuequeError('RESERVED_NAME', message, { name: destination.queue ?? destination.exchange })
}

/** @throws DuequeError `RESERVED_NAME` for a name that this namespace reserves */
export function assertOutside(destination: Destination, namespace: string): void {
  const name = destination.queue ?? destination.exchange
  if (namespacesOf(name).includes(namespace)) throw reservedName(destination, namespace)
}

/**
 * Tells destinations from dueque's own queues and exchanges. In the connected namespace the name decides. In another one
 * the name counts only if the exchanges are there that every namespace has. A message in a wait queue with no path behind
 * it would jam that queue for everybody.
 */
export class ReservedNames {
  readonly #namespace: string
  readonly #exists: (exchange: string) => Promise<boolean>
  /** Names that look reserved, and belong to users. */
  readonly #users = new Set<string>()

  constructor({ namespace }: Names, exists: (exchange: string) => Promise<boolean>) {
    this.#namespace = namespace
    this.#exists = exists
  }

  /** Whether a destination is known to be a user's, without asking the broker. */
  isUsers({ queue, exchange }: Destination): boolean {
    const name = queue ?? exchange
    return !name.includes(MARK) || this.#users.has(name) || namespacesOf(name).length === 0
  }

  /** @throws DuequeError `RESERVED_NAME` for a queue or exchange of dueque's own */
  async check(destination: Destination): Promise<void> {
    if (this.isUsers(destination)) return
    const name = destination.queue ?? destination.exchange
    for (const namespace of namespacesOf(name)) {
      if (namespace === this.#namespace || (await this.#isNamespace(namespace)))
        throw reservedName(destination, namespace)
    }
    this.#users.add(name)
  }

  /** Forgets what the broker answered: it may have changed. */
  forget(): void {
    this.#users.clear()
  }

  async #isNamespace(namespace: string): Promise<boolean> {
    const { deliver, unroutable } = new Names(namespace)
    return (await this.#exists(deliver)) && (await this.#exists(unroutable))
  }
}
