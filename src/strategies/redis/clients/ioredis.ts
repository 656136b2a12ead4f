import type { Argument, RedisPort, RedisSubscription } from './port.js'

/** What is used of `Redis` and `Cluster` of ioredis. */
interface Ioredis extends Emitter {
  readonly status: string
  readonly isCluster?: boolean
  evalBuffer(...args: Argument[]): Promise<unknown>
  evalshaBuffer(...args: Argument[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  disconnect(): void
  duplicate(...args: unknown[]): Ioredis
}

interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown
  off(event: string, listener: (...args: never[]) => void): unknown
}

/**
 * What a subscriber needs, whatever the caller's client was given. {@link keepSubscribed} subscribes again: what a client for
 * one server repeats by itself, and Redis refuses or `disconnect` ends, would be a rejection that nobody handles, and end the
 * process. That of a cluster does it in a way of its own, which no option changes, and handles it.
 */
export const SUBSCRIBER = {
  lazyConnect: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
}

export function ioredisPort(client: unknown): RedisPort {
  const redis = client as Ioredis
  let losses = 0
  const lost = () => losses++
  // Of a cluster: a node whose connection is gone.
  const events = ['close', '-node']
  return {
    state() {
      if (redis.status === 'ready') return 'ready'
      if (redis.status === 'end') return 'closed'
      // Made with `lazyConnect`: the first command connects.
      return redis.status === 'wait' ? 'unknown' : 'away'
    },
    losses: () => losses,
    // Not `callBuffer`, which loses the command's name where ioredis pipelines by itself.
    run: (command, _key, args) => (command === 'EVAL' ? redis.evalBuffer(...args) : redis.evalshaBuffer(...args)),
    onReady(listener) {
      redis.on('ready', listener)
      return () => redis.off('ready', listener)
    },
    subscribe: (channel, listener, again) => subscribe(redis, channel, listener, again),
    open() {
      for (const event of events) redis.on(event, lost)
    },
    close() {
      for (const event of events) redis.off(event, lost)
    },
  }
}

function subscribe(
  redis: Ioredis,
  channel: string,
  listener: (message: string) => void,
  again: () => void,
): RedisSubscription {
  const own = redis.isCluster ? redis.duplicate([], SUBSCRIBER) : redis.duplicate(SUBSCRIBER)
  own.on('message', (_channel: string, message: string) => listener(message))
  return keepSubscribed(own, () => own.subscribe(channel), again)
}

/** Subscribes, and again whenever it has reconnected. */
export function keepSubscribed(
  own: { on(event: string, listener: () => void): unknown; disconnect(): void },
  subscribe: () => Promise<unknown>,
  again: () => void,
): RedisSubscription {
  // It reconnects by itself; without a listener, ioredis writes to the console.
  own.on('error', () => undefined)
  const subscribed = subscribe().then(() => {
    own.on('ready', () => void subscribe().then(again, () => undefined))
  })
  return {
    subscribed,
    end() {
      own.disconnect()
      return Promise.resolve()
    },
  }
}
