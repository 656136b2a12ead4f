import { DuequeError, errorText, isDuequeError } from '../../../base/errors.js'
import type { Logger } from '../../../base/logger.js'
import { TIMED_OUT, withTimeLimit } from '../../../base/time-limit.js'
import { isReply, STORE, storeError } from '../failures.js'
import type { RedisNode, RedisSubscription } from '../clients/port.js'
import { flagsOf, missingFlags, NOTIFY } from './notify-flags.js'

export interface ExpiryListenerOptions {
  nodes: () => readonly RedisNode[]
  /** Called with each expired key. */
  heard: (key: string) => void
  /** Called when keys may have expired without an event. */
  again: () => void
  /** Whether to set `notify-keyspace-events` where flags are missing. */
  configure: boolean
  timeoutMs: number
  logger: Logger
  onError: (error: DuequeError) => void
}

const EXPIRED = '__keyevent@*__:expired'
/** How often the list of nodes is read. Redis is asked only if there is a new node. */
const LOOK_MS = 1000

interface Listening {
  subscription: RedisSubscription
  isSubscribed: boolean
  /** Whether the node is known to send events of expired keys. A server that was restarted has the setting of its file again. */
  isChecked: boolean
}

/** Receives the events of expired keys from every node, for as long as it is open. */
export class ExpiryListener {
  readonly #options: ExpiryListenerOptions
  readonly #listening = new Map<string, Listening>()
  #looks: ReturnType<typeof setInterval> | undefined
  #isTold = false
  #isEnded = false

  constructor(options: ExpiryListenerOptions) {
    this.#options = options
  }

  /**
   * Subscribes at every node. A node that is away now is subscribed to when it comes back.
   *
   * @throws DuequeError `STORE_NOT_READY`
   */
  async open(): Promise<void> {
    const joins = await Promise.allSettled(this.#options.nodes().map((node) => this.#join(node)))
    for (const join of joins) {
      if (join.status === 'fulfilled') continue
      if (!isDuequeError(join.reason, 'STORE_NOT_READY')) this.#tell(join.reason)
      else {
        await this.end()
        throw join.reason
      }
    }
    this.#looks = setInterval(() => this.#look(), LOOK_MS)
  }

  async end(): Promise<void> {
    this.#isEnded = true
    clearInterval(this.#looks)
    const ends = [...this.#listening.values()].map(({ subscription }) => subscription.end())
    this.#listening.clear()
    await Promise.all(ends)
  }

  /** Subscribes at new nodes, and forgets missing ones. The next look repeats what failed; the log has a failure once. */
  #look(): void {
    const present = this.#options.nodes()
    // A client that knows no node for now finds them again.
    if (present.length === 0) return
    const names = new Set(present.map(({ name }) => name))
    for (const [name, { subscription }] of this.#listening) {
      if (names.has(name)) continue
      this.#listening.delete(name)
      void subscription.end()
    }
    for (const node of present) {
      const listening = this.#listening.get(node.name)
      if (listening && (listening.isChecked || !listening.isSubscribed)) continue
      const work = listening ? this.#check(node, listening) : this.#join(node)
      work.then(
        () => (this.#isTold = false),
        (error: unknown) => this.#tell(error),
      )
    }
  }

  async #join(node: RedisNode): Promise<void> {
    const { heard, again, timeoutMs } = this.#options
    const subscription = node.listen(EXPIRED, heard, () => {
      listening.isChecked = false
      again()
    })
    const listening: Listening = { subscription, isSubscribed: false, isChecked: false }
    this.#listening.set(node.name, listening)
    const subscribed = subscription.subscribed.then(() => {
      listening.isSubscribed = true
      again()
    })
    try {
      await withTimeLimit(subscribed, timeoutMs)
    } catch (error) {
      const what = `cannot subscribe to ${EXPIRED}`
      // The client goes on trying to subscribe.
      if (error === TIMED_OUT) throw storeError(what, 'refused', error)
      this.#listening.delete(node.name)
      await subscription.end()
      throw isReply(error) ? notReady(`${what}: ${errorText(error)}`) : storeError(what, 'refused', error)
    }
    await this.#check(node, listening)
  }

  async #check(node: RedisNode, listening: Listening): Promise<void> {
    listening.isChecked = true
    try {
      await this.#configured(node)
    } catch (error) {
      listening.isChecked = false
      throw error
    }
  }

  async #configured(node: RedisNode): Promise<void> {
    const { configure, timeoutMs, logger } = this.#options
    const ask = (...args: string[]) => withTimeLimit(node.config(...args), timeoutMs)
    let flags: string
    try {
      flags = flagsOf(await ask('GET', NOTIFY))
    } catch (error) {
      if (!isReply(error)) throw storeError(`cannot ask for ${NOTIFY}`, 'refused', error)
      const what = `cannot see ${NOTIFY}: without Ex, everything is late by up to sweepMs`
      return logger.warn(what, { store: STORE, node: node.name, error: errorText(error) })
    }
    const missing = missingFlags(flags)
    if (missing === '') return
    const todo = `CONFIG SET ${NOTIFY} ${flags}${missing}, and in redis.conf`
    if (!configure) throw notReady(`${NOTIFY} is '${flags}': ${todo}`)
    try {
      await ask('SET', NOTIFY, flags + missing)
    } catch (error) {
      if (isReply(error)) throw notReady(`${NOTIFY} is '${flags}' and may not be set (${errorText(error)}): ${todo}`)
      throw storeError(`cannot set ${NOTIFY}`, 'refused', error)
    }
    logger.info(`set ${NOTIFY}, which was '${flags}', until Redis is restarted`, {
      store: STORE,
      node: node.name,
      todo,
    })
  }

  #tell(error: unknown): void {
    const { logger, onError } = this.#options
    if (this.#isTold || this.#isEnded) return
    this.#isTold = true
    logger.warn('does not hear of all expired keys: late by up to sweepMs', { store: STORE, error: errorText(error) })
    if (isDuequeError(error)) onError(error)
  }
}

function notReady(what: string): DuequeError<'STORE_NOT_READY'> {
  return new DuequeError('STORE_NOT_READY', `Redis: ${what}`, { store: STORE })
}
