import { AmqpBroker } from '../../amqp/amqp-broker.js'
import { closeInTime } from '../../amqp/connection/close-in-time.js'
import type { Finding } from '../../base/finding.js'
import type { InnerParts } from '../../inner-parts.js'
import { diagnose } from '../../operate/doctor/diagnose.js'
import type { OperatorOptions } from '../../operate/operator-settings.js'
import type { Findings } from '../api.js'

const FRESH_MS = 5 * 60_000
const ORDER: readonly Finding['severity'][] = ['error', 'warning', 'note', 'ok']

interface Looked {
  readonly at: number
  readonly findings: Promise<Findings>
}

/** What doctor finds, without a round trip. One look serves all viewers for five minutes. */
export class FindingsLook {
  readonly #look: () => Promise<readonly Finding[]>
  readonly #closing = new AbortController()
  #looked: Looked | undefined

  constructor(
    { broker, options: { strategy } }: InnerParts,
    options: OperatorOptions,
    checkStore: (() => Promise<readonly Finding[]>) | undefined,
  ) {
    const settings = { ...options, checkStore, journal: strategy.journal !== undefined, roundTrip: false }
    this.#look = async () =>
      broker instanceof AmqpBroker
        ? (await diagnose({ ...settings, signal: this.#closing.signal })).findings
        : ((await checkStore?.()) ?? [])
  }

  /** @throws DuequeError as `connect` does */
  async ask(): Promise<Findings> {
    const now = performance.now()
    if (!this.#looked || now - this.#looked.at > FRESH_MS) this.#looked = { at: now, findings: this.#sorted() }
    const looked = this.#looked
    try {
      return await looked.findings
    } catch (error) {
      if (this.#looked === looked) this.#looked = undefined
      throw error
    }
  }

  /** A look that hangs ends by itself, when its connections are lost. */
  async close(): Promise<void> {
    this.#closing.abort()
    await closeInTime(this.#looked?.findings)
  }

  async #sorted(): Promise<Findings> {
    const found = await this.#look()
    const findings = [...found].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
    return { at: new Date().toISOString(), findings }
  }
}
