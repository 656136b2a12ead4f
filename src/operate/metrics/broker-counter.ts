import type { ChannelModel } from 'amqplib'
import { deadQueue, type Names } from '../../amqp/topology/names.js'
import { isDuequeError } from '../../base/errors.js'
import { LadderNames } from '../../strategies/ladder/ladder-names.js'
import { UNITS } from '../../strategies/ladder/rungs.js'
import { countMessages } from '../count-messages.js'
import { askManagement, type ManagementApi } from '../management/api.js'
import { queuesBehind } from '../management/queues-behind.js'
import { assertSameBroker } from '../management/same-broker.js'
import { connectionsOf, listQueues, publishedTo, type MessageCount } from '../management/resources.js'
import type { OperatorSettings } from '../operator-settings.js'
import { countedQueues, queuePattern, readyCounts } from '../status/queue-counts.js'
import { reportOf, type CountReport } from '../status-report.js'
import type { BrokerLink } from './broker-link.js'

/** While no management API answers beside the broker, it is asked again after this time. */
const MANAGEMENT_PAUSE_MS = 60_000
/** Each queue that is looked for in vain is a line in the broker's log. */
const DISCOVERY_PAUSE_MS = 600_000
/** Bindings are asked for again after this time, and at once when there is another dead queue. */
const BINDINGS_PAUSE_MS = 60_000

export interface BrokerCountsOptions {
  queues: readonly string[]
  shards: number
  /** Asks the management API how much clients have published, instead of for connections. @default false */
  published?: boolean | undefined
}

export interface BrokerCounts {
  /** Without the journal and recurring messages. */
  readonly report: CountReport
  /** Of each queue that exists. */
  readonly counts: ReadonlyMap<string, MessageCount>
  /** Undefined if nobody knows. */
  readonly connections?: number | undefined
  /** Messages that clients have published to wait, or as due ones, since some beginning. Undefined if nobody knows. */
  readonly published?: number | undefined
}

/** Counts the messages of a namespace again and again: by the management API, or over AMQP. */
export class BrokerCounter {
  readonly #settings: OperatorSettings
  readonly #link: BrokerLink
  readonly #options: BrokerCountsOptions
  readonly #closing = new AbortController()
  #management: { readonly reason: string | undefined; readonly until: number } | undefined
  /** The dead queues of the namespace among those that were seen, as of a time. */
  #dead: { own: ReadonlySet<string>; seen: ReadonlySet<string>; until: number } | undefined
  /** Queues that exist, as of a time. */
  #found: { names: readonly string[]; until: number } | undefined

  constructor(settings: OperatorSettings, link: BrokerLink, options: BrokerCountsOptions) {
    this.#settings = settings
    this.#link = link
    this.#options = options
  }

  /** How the management API beside the broker answered when it was last asked: without a reason, it counted. */
  get management(): { readonly reason: string | undefined } | undefined {
    return this.#management
  }

  /** @throws DuequeError `MANAGEMENT_FAILED` if the API was named and does not answer; as `connect` does */
  async count(): Promise<BrokerCounts> {
    const isAway = this.#management?.reason !== undefined && performance.now() < this.#management.until
    const counted = isAway ? undefined : await this.#byManagement()
    return counted ?? this.#overAmqp()
  }

  /** Gives up what the management API is asked: nothing keeps the process alive. */
  close(): void {
    this.#closing.abort()
  }

  async #byManagement(): Promise<BrokerCounts | undefined> {
    const { endpoints, names } = this.#settings
    const result = await askManagement(this.#settings, endpoints, async (found, { vhost }) => {
      const api = { ...found, signal: this.#closing.signal }
      await assertSameBroker(api, await this.#link.cluster())
      const counts = await listQueues(api, vhost, queuePattern(names))
      const dead = await this.#deadQueues(api, vhost, counts)
      const more = this.#options.published
        ? { published: await publishedTo(api, vhost, scheduleExchanges(names)) }
        : { connections: await this.#connections(api, vhost) }
      return { counts, dead, ...more }
    })
    const reason = 'reason' in result ? result.reason : undefined
    this.#management = { reason, until: performance.now() + MANAGEMENT_PAUSE_MS }
    if (!('answer' in result)) return undefined
    const { dead, ...answer } = result.answer
    return { ...answer, report: this.#report('management', answer.counts, dead) }
  }

  /** Those of the namespace. Which ones these are changes seldom, and costs the API as much as to count them. */
  async #deadQueues(
    api: ManagementApi,
    vhost: string,
    counts: BrokerCounts['counts'],
  ): Promise<ReadonlySet<string> | undefined> {
    const all = [...counts.keys()].filter((name) => name.endsWith(deadQueue('')))
    const now = performance.now()
    const isKnown = this.#dead && now < this.#dead.until && all.every((name) => this.#dead?.seen.has(name))
    if (!isKnown) {
      const { dead: own } = await queuesBehind(api, vhost, this.#settings.names)
      this.#dead = { own, seen: new Set(all), until: now + BINDINGS_PAUSE_MS }
    }
    return this.#dead?.own
  }

  /** A user without the tag `monitoring` may not see those of others. */
  async #connections(api: ManagementApi, vhost: string): Promise<number | undefined> {
    try {
      return (await connectionsOf(api, vhost)).filter(({ product }) => product === 'dueque').length
    } catch (error) {
      if (isDuequeError(error, 'MANAGEMENT_FAILED')) return undefined
      throw error
    }
  }

  async #overAmqp(): Promise<BrokerCounts> {
    const model = await this.#link.model()
    const now = performance.now()
    const found = this.#found && now < this.#found.until ? this.#found.names : undefined
    const counts = readyCounts(await countMessages(model, found ?? (await this.#possible(model))))
    if (!found && counts.has(this.#settings.names.unroutable))
      this.#found = { names: [...counts.keys()], until: now + DISCOVERY_PAUSE_MS }
    return { report: this.#report('amqp', counts), counts }
  }

  /** The queues to look for. Before anything is declared in the namespace, few: the next look asks again. */
  async #possible(model: ChannelModel): Promise<readonly string[]> {
    const { names } = this.#settings
    const isDeclared = (await countMessages(model, [names.unroutable])).size > 0
    return isDeclared ? countedQueues(names, this.#options) : this.#options.queues.map(deadQueue)
  }

  #report(source: CountReport['source'], counts: BrokerCounts['counts'], dead?: ReadonlySet<string>): CountReport {
    return reportOf(
      this.#settings.namespace,
      source,
      { counts, journal: null, recurring: null, dead },
      this.#options.queues,
    )
  }
}

/** Those to which clients publish messages that are to wait, or are due. */
function scheduleExchanges(names: Names): Set<string> {
  const ladder = new LadderNames(names)
  return new Set([...UNITS.map((unit) => ladder.entry(unit)), names.deliver])
}
