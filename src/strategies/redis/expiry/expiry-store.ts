import type { DelayedMessage } from '../../../message/delayed-message.js'
import { silent } from '../../../base/logger.js'
import type { RedisStore } from '../redis-store.js'
import type { AddOptions, Claim, Claimed, ClaimRequest, Store, StoreEnvironment } from '../../store/store.js'
import type { StoreFaultCounts } from '../../../health.js'
import type { Position, WaitlistFilter } from '../../waitlist.js'
import { ExpiryListener, type ExpiryListenerOptions } from './expiry-listener.js'

export interface ExpiryStoreOptions extends Pick<ExpiryListenerOptions, 'nodes' | 'configure' | 'timeoutMs'> {
  /** With triggers. */
  store: RedisStore
  prefix: string
}

/** The store of `redis`, with keys that expire in the place of a clock. */
export class ExpiryStore implements Store {
  readonly name = 'redisExpiry'
  readonly limits
  readonly spacingMs
  readonly keepsTime = true
  readonly #options: ExpiryStoreOptions
  readonly #store: RedisStore
  #environment: StoreEnvironment = { logger: silent, onError: () => undefined }

  constructor(options: ExpiryStoreOptions) {
    this.#options = options
    this.#store = options.store
    this.limits = this.#store.limits
    this.spacingMs = this.#store.spacingMs
  }

  open(environment: StoreEnvironment): Promise<void> {
    this.#environment = environment
    return this.#store.open(environment)
  }

  add(message: DelayedMessage, options: AddOptions): Promise<DelayedMessage | void> {
    return this.#store.add(message, options)
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    const { now, claimed, nextAt } = await this.#store.claim(request)
    // Time is Redis' matter, but what was too much for one answer has had its event.
    return { now, claimed, nextAt: nextAt !== undefined && nextAt <= now ? nextAt : undefined }
  }

  settle(claimed: readonly Claimed[]): Promise<void> {
    return this.#store.settle(claimed)
  }

  release(claimed: readonly Claimed[], until: number): Promise<void> {
    return this.#store.release(claimed, until)
  }

  /** @throws DuequeError `STORE_NOT_READY`, `STORE_ERROR` */
  async watch(listener: (readyAt: number) => void): Promise<() => Promise<void>> {
    const { nodes, configure, timeoutMs, prefix } = this.#options
    const expiry = new ExpiryListener({
      nodes,
      configure,
      timeoutMs,
      heard: (key) => {
        const readyAt = readyAtOf(key, prefix)
        if (readyAt !== undefined) listener(readyAt)
      },
      again: () => listener(0),
      ...this.#environment,
    })
    await expiry.open()
    return () => expiry.end()
  }

  find(id: string): Promise<readonly DelayedMessage[]> {
    return this.#store.find(id)
  }

  remove(message: DelayedMessage): Promise<boolean> {
    return this.#store.remove(message)
  }

  replace(message: DelayedMessage, by: DelayedMessage): Promise<boolean> {
    return this.#store.replace(message, by)
  }

  list(
    filter: WaitlistFilter,
    page: { after?: Position | undefined; limit: number },
  ): Promise<readonly DelayedMessage[]> {
    return this.#store.list(filter, page)
  }

  count(filter: WaitlistFilter): Promise<number> {
    return this.#store.count(filter)
  }

  health(): 'up' | 'down' {
    return this.#store.health()
  }

  faults(): StoreFaultCounts {
    return this.#store.faults()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

/** Of the message whose trigger it is, by its clock and not by Redis'; undefined for other keys. */
export function readyAtOf(key: string, prefix: string): number | undefined {
  const mark = `{${prefix}}:due:`
  const at = key.indexOf(mark)
  if (at < 0) return undefined
  const readyAt = Number.parseInt(key.slice(at + mark.length), 10)
  return Number.isNaN(readyAt) ? undefined : readyAt
}
