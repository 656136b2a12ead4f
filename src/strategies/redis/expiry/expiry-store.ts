import { silent } from '../../../base/logger.js'
import type { MessageStore, StoreEnvironment } from '../../store/message-store.js'
import type { RedisStore } from '../redis-store.js'
import { ExpiryListener, type ExpiryListenerOptions } from './expiry-listener.js'

export interface ExpiryStoreOptions extends Pick<ExpiryListenerOptions, 'nodes' | 'configure' | 'timeoutMs'> {
  /** With triggers. */
  store: RedisStore
  prefix: string
}

/** The store of `redis`, woken by keys that expire instead of a clock. */
export function expiryStore({ store, prefix, ...options }: ExpiryStoreOptions): MessageStore {
  let environment: StoreEnvironment = { logger: silent, onError: () => undefined }
  return {
    name: 'redisExpiry',
    limits: store.limits,
    spacingMs: store.spacingMs,
    keepsTime: true,
    definitions: store.definitions,
    open(given) {
      environment = given
      return store.open(given)
    },
    async claim(request) {
      const { now, claimed, nextAt } = await store.claim(request)
      // Redis keeps the time. Only messages that did not fit into one answer have had their event already.
      return { now, claimed, nextAt: nextAt !== undefined && nextAt <= now ? nextAt : undefined }
    },
    /** @throws DuequeError `STORE_NOT_READY`, `STORE_ERROR` */
    async watch(listener) {
      const heard = (key: string) => {
        const readyAt = readyAtOf(key, prefix)
        if (readyAt !== undefined) listener(readyAt)
      }
      const expiry = new ExpiryListener({ ...options, ...environment, heard, again: () => listener(0) })
      await expiry.open()
      return () => expiry.end()
    },
    add: (message, how) => store.add(message, how),
    settle: (claimed) => store.settle(claimed),
    postpone: (claimed, until) => store.postpone(claimed, until),
    find: (id) => store.find(id),
    remove: (message) => store.remove(message),
    replace: (message, by) => store.replace(message, by),
    list: (filter, page) => store.list(filter, page),
    count: (filter) => store.count(filter),
    countBy: (filter, spanMs) => store.countBy(filter, spanMs),
    countByDestination: () => store.countByDestination(),
    health: () => store.health(),
    faults: () => store.faults(),
    close: () => store.close(),
  }
}

/** When the message of a trigger key is ready, by the message's own clock. Undefined for other keys. */
export function readyAtOf(key: string, prefix: string): number | undefined {
  const mark = `{${prefix}}:due:`
  const at = key.indexOf(mark)
  if (at < 0) return undefined
  const readyAt = Number.parseInt(key.slice(at + mark.length), 10)
  return Number.isNaN(readyAt) ? undefined : readyAt
}
