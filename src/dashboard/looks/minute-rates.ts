import type { StatusLook } from '../../operate/watch/watch-status.js'

type GoodLook = Extract<StatusLook, { error?: undefined }>

/** Messages a minute. Null: not known. */
export interface MinuteRates {
  delivered: number | null
  scheduled: number | null
}

const UNKNOWN: MinuteRates = { delivered: null, scheduled: null }

/**
 * The rates of a look at a broker. Its own probe is not counted.
 *
 * @param waitingPerMinute by how much the number of messages in a store changes: they are scheduled without the broker. Undefined
 * without a store, null while it is not known
 */
export function minuteRates({ rates, lateness }: GoodLook, waitingPerMinute: number | null | undefined): MinuteRates {
  if (!rates || rates.delivered === null) return UNKNOWN
  const isProbed = lateness?.source === 'probe' && lateness.overSeconds > 0 && rates.source === 'management'
  const probes = isProbed ? (lateness.messages * 60) / lateness.overSeconds : 0
  const own = (perSecond: number) => Math.max(Math.round(perSecond * 60 - probes), 0)
  const delivered = own(rates.delivered)
  if (waitingPerMinute === undefined)
    return { delivered, scheduled: rates.scheduled === null ? null : own(rates.scheduled) }
  return {
    delivered,
    scheduled: waitingPerMinute === null ? null : Math.max(Math.round(delivered + waitingPerMinute), 0),
  }
}
