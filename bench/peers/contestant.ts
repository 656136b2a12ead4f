import type { PostgresPlace, RabbitPlace, RedisPlace } from './servers/place.js'
import type { Payload } from './payload.js'

export type ServerName = 'rabbitmq' | 'redis' | 'postgres'
export type WorkName = 'rate' | 'steady' | 'burst' | 'ceiling' | 'waiting' | 'kill'

/** A way to delay messages that takes part in the comparison. */
export interface Contestant {
  /** For the command line and the tables. */
  readonly name: string
  /** One line: what it is, and which settings differ from the defaults. */
  readonly about: string
  /** The servers that it needs. */
  readonly servers: readonly ServerName[]
  /** The one of them in which its messages wait. */
  readonly store: ServerName
  /** Left out of a short run, unless it is asked for. */
  readonly longOnly?: boolean
  /** Work that it takes no part in, with the reasons. */
  readonly cannot?: Partial<Record<WorkName, string>>
  /** Declares what it needs in an empty place, or returns the reason why it cannot take part. */
  setUp(site: Site): Promise<Entrant | string>
  /** Runs in the receiving process: calls `arrived` when a handler starts, and acks. */
  consume(urls: Urls, arrived: (payload: Payload) => void): Promise<Consuming>
}

/** A message to schedule. */
export interface Item {
  readonly n: number
  /** Milliseconds since the epoch. */
  readonly dueAt: number
  /** Of the creation of the item. Undefined for a due time that is not a delay. */
  readonly delayMs?: number
}

/** A contestant that is ready to schedule. */
export interface Entrant {
  /** Shown in the report: versions, options, durability. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** Resolves when the message is as safe as the contestant makes it. */
  schedule(item: Item): Promise<void>
  /** Schedules many in the way that its documentation recommends. Reads the items as it goes. */
  scheduleMany(items: Iterable<Item>): Promise<void>
  /** Messages that wait, or are due and not yet consumed, as the server counts them. */
  waiting(): Promise<number>
  /** The bytes of the waiting messages. @default those of the place */
  bytes?(): Promise<number>
  close(): Promise<void>
}

export interface Consuming {
  close(): Promise<void>
}

/** An empty place in each server of the contestant: a virtual host, a Redis without keys, a database. */
export interface Site {
  readonly rabbitmq?: RabbitPlace
  readonly redis?: RedisPlace
  readonly postgres?: PostgresPlace
}

/** The same places, for another process. */
export type Urls = Partial<Record<ServerName, string>>

/** The place of a server that the contestant names in `servers`. */
export function placeOf<Name extends ServerName>(site: Site, name: Name): NonNullable<Site[Name]> {
  const place = site[name]
  if (!place) throw new Error(`no ${name}: the contestant must name it in 'servers'`)
  return place
}

export function urlOf(urls: Urls, name: ServerName): string {
  const url = urls[name]
  if (url === undefined) throw new Error(`no URL of ${name}: the contestant must name it in 'servers'`)
  return url
}
