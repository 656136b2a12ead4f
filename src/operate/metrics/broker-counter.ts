import { isDuequeError } from '../../base/errors.js'
import { countOn } from '../count-messages.js'
import { askManagement, type ManagementApi } from '../management/api.js'
import { connectionsOf, listQueues } from '../management/resources.js'
import type { OperatorSettings } from '../operator-settings.js'
import { countedQueues, queuePattern, readyCounts } from '../status.js'
import { reportOf, type StatusReport } from '../status-report.js'
import type { BrokerLink } from './broker-link.js'

/** While no management API answers beside the broker, it is asked again after this time. */
const MANAGEMENT_PAUSE_MS = 60_000
/** Each queue that is looked for in vain is a line in the broker's log. */
const DISCOVERY_PAUSE_MS = 600_000

export interface BrokerCountsOptions {
  queues: readonly string[]
  shards: number
}

export interface BrokerCounts {
  readonly report: StatusReport
  /** Undefined if nobody knows. */
  readonly connections: number | undefined
}

/** Counts the messages of a namespace again and again: by the management API, or over AMQP. */
export class BrokerCounter {
  readonly #settings: OperatorSettings
  readonly #link: BrokerLink
  readonly #options: BrokerCountsOptions
  #management: { readonly reason: string | undefined; readonly until: number } | undefined
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
    return counted ?? { report: await this.#overAmqp(), connections: undefined }
  }

  async #byManagement(): Promise<BrokerCounts | undefined> {
    const { endpoints, names, namespace } = this.#settings
    const result = await askManagement(this.#settings, endpoints, async (api, { vhost }) => {
      const counts = await listQueues(api, vhost, queuePattern(names))
      return { counts, connections: await this.#connections(api, vhost) }
    })
    const reason = 'reason' in result ? result.reason : undefined
    this.#management = { reason, until: performance.now() + MANAGEMENT_PAUSE_MS }
    if (!('answer' in result)) return undefined
    const { counts, connections } = result.answer
    const report = reportOf(namespace, 'management', { counts, journal: null }, this.#options.queues)
    return { report, connections }
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

  async #overAmqp(): Promise<StatusReport> {
    const { names, namespace } = this.#settings
    const model = await this.#link.model()
    const all = countedQueues(names, this.#options)
    const now = performance.now()
    const isFound = this.#found !== undefined && now < this.#found.until
    const counts = await countOn(model, isFound ? this.#found!.names : all)
    if (!isFound) this.#found = { names: [...counts.keys()], until: now + DISCOVERY_PAUSE_MS }
    return reportOf(namespace, 'amqp', { counts: readyCounts(counts), journal: null }, this.#options.queues)
  }
}
