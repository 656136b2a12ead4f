import { AmqpConnection } from '../../amqp/connection/connection.js'
import { quietEvents } from '../../amqp/connection/quiet-events.js'
import type { Names } from '../../amqp/topology/names.js'
import { DuequeError, errorText } from '../../base/errors.js'
import { journalLayout } from '../../log/log-layout.js'
import { LadderNames } from '../../strategies/ladder/ladder-names.js'
import { UNITS } from '../../strategies/ladder/rungs.js'
import { countOn } from '../count-messages.js'
import { askManagement } from '../management/api.js'
import { listQueues, publishedTo, type MessageCount } from '../management/resources.js'
import type { OperatorSettings } from '../operator-settings.js'
import { countedQueues, queuePattern, readyCounts, type StatusOptions } from '../status.js'
import type { StatusReport } from '../status-report.js'

/** The broker logs each queue that does not exist, so that new ones are looked for this rarely over AMQP. */
const SEARCH_EVERY_MS = 300_000

interface CountedQueues {
  source: StatusReport['source']
  counts: ReadonlyMap<string, MessageCount>
  /** Messages that clients have published to wait, since some beginning. Undefined if it is not known. */
  published: number | undefined
}

/**
 * Counts the messages of queues again and again. The first count decides between the management API and AMQP, and the others
 * fail while that is away.
 */
export class Counting {
  readonly #settings: OperatorSettings
  readonly #options: StatusOptions
  readonly #connection: AmqpConnection
  #source: StatusReport['source'] | undefined
  /** Queues that exist, for AMQP. */
  #known: readonly string[] = []
  #searchedAt = -Infinity

  constructor(settings: OperatorSettings, options: StatusOptions) {
    this.#settings = settings
    this.#options = options
    this.#connection = new AmqpConnection({ ...settings, name: `${settings.name} status` }, quietEvents())
  }

  /** @throws DuequeError `MANAGEMENT_FAILED`; as `connect` does */
  async count(): Promise<CountedQueues> {
    const byManagement = this.#source === 'amqp' ? undefined : await this.#byManagement()
    return byManagement ?? this.#overAmqp()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #byManagement(): Promise<CountedQueues | undefined> {
    const { endpoints, names, management } = this.#settings
    const result = await askManagement(this.#settings, endpoints, async (api, { vhost }) => ({
      source: 'management' as const,
      counts: await listQueues(api, vhost, queuePattern(names)),
      published: await publishedTo(api, vhost, exchangesOf(this.#settings)),
    }))
    if ('answer' in result) {
      this.#source = 'management'
      return result.answer
    }
    if (this.#source) throw new DuequeError('MANAGEMENT_FAILED', result.reason, { host: endpoints[0]!.host })
    if (management !== false) this.#options.onWithoutManagement?.(result.reason)
    return undefined
  }

  async #overAmqp(): Promise<CountedQueues> {
    if (!this.#source) await this.#connection.open()
    this.#source = 'amqp'
    const { model, failure } = this.#connection
    if (!model) throw away(failure, this.#settings)
    const { names } = this.#settings
    const { queues = [], shards = 1 } = this.#options
    const isSearch = performance.now() - this.#searchedAt > SEARCH_EVERY_MS
    const counts = await countOn(model, isSearch ? everyQueue(names, { queues, shards }) : this.#known)
    if (isSearch) {
      this.#searchedAt = performance.now()
      this.#known = [...counts.keys()]
    }
    return { source: 'amqp', counts: readyCounts(counts), published: undefined }
  }
}

/** Also the streams that tell whether there is a journal. */
function everyQueue(names: Names, options: { queues: readonly string[]; shards: number }): string[] {
  const streams = journalLayout(names).streams()
  return [...streams.map(({ name }) => name), ...countedQueues(names, options)]
}

/** Those to which clients publish messages that are to wait, or are due. */
function exchangesOf({ names }: OperatorSettings): Set<string> {
  const ladder = new LadderNames(names)
  return new Set([...UNITS.map((unit) => ladder.entry(unit)), names.deliver])
}

function away(failure: Error | undefined, { endpoints }: OperatorSettings): DuequeError {
  const hosts = endpoints.map(({ host }) => host)
  const reason = failure ? `: ${errorText(failure)}` : ''
  return new DuequeError('UNREACHABLE', `the connection to ${hosts.join(', ')} is lost${reason}; trying again`, {
    hosts,
  })
}
