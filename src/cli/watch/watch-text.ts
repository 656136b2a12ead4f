import { counted } from '../../base/counted.js'
import { durationText } from '../../base/duration-text.js'
import type { Lateness, LatenessCount } from '../../operate/watch/lateness.js'
import type { Rates } from '../../operate/watch/rates.js'
import type { GoodLook, StatusLook } from '../../operate/watch/watch-status.js'
import { errorJson } from '../exit.js'
import { number } from '../progress.js'
import { countLines, sourceText } from '../status-text.js'
import { STYLE_OF, type StyledLine } from '../styled.js'
import { utcTimes, type Times } from '../terminal-times.js'

interface FrameOptions {
  everySeconds: number
  /** Whether the dead queues were asked for by name. */
  asked: boolean
  /** Whether every rung is shown. */
  rungs: boolean
  times: Times
}

/**
 * A look as it fills a terminal.
 *
 * @param last the last one that did not fail, whose counts are shown until the broker is back
 */
export function frameOf(
  look: StatusLook,
  last: GoodLook,
  { everySeconds, asked, rungs, times }: FrameOptions,
): StyledLine[] {
  const { report, rates, lateness } = last
  const away: StyledLine[] = look.error
    ? [{ text: `no answer since ${times.clock(last.at)}; trying again: ${look.error.message}`, style: STYLE_OF.error }]
    : []
  return [
    { text: `dueque status of ${report.namespace}  ${times.clock(look.at)}  every ${everySeconds} s`, style: 'bold' },
    ...away,
    { text: '' },
    { text: `rates     ${ratesText(rates)}` },
    { text: `lateness  ${latenessText(lateness)}` },
    ...(lateness?.queues ?? []).map((one) => ({ text: `  ${one.queue}  ${countText(one)}` })),
    ...(lateness?.problems ?? []).map((text): StyledLine => ({ text: `  ${text}`, style: STYLE_OF.warning })),
    { text: '' },
    ...countLines(report, { asked, rungs, times }),
    { text: '' },
    ...sourceText(report)
      .split('\n')
      .map((text): StyledLine => ({ text, style: 'dim' })),
  ]
}

/** A look in one line. */
export function lineOf(look: StatusLook, wasAway: boolean): string {
  if (look.error) return `${instant(look.at)}  no answer: ${look.error.message}`
  const { report, rates, lateness } = look
  const { waiting, unroutable, parked, dead } = report
  const counts = [
    ['waiting', waiting.messages],
    ['unroutable', unroutable?.messages ?? 0],
    ['parked', parked?.messages ?? 0],
    ['dead', dead.reduce((sum, { messages }) => sum + messages, 0)],
  ] as const
  const parts = [
    instant(look.at),
    ...(wasAway ? ['back'] : []),
    counts.map(([name, count]) => `${name} ${number(count)}`).join(', '),
    ...(rates ? [ratesText(rates)] : []),
    ...(lateness ? [`lateness ${latenessText(lateness)}`, ...lateness.problems] : []),
  ]
  return parts.join('  ')
}

/** A look for programs: the report of `dueque status --json`, with `at`, `rates` and `lateness`; or `at` and `error`. */
export function jsonOf(look: StatusLook): Record<string, unknown> {
  const { at } = look
  if (look.error) {
    const { code, message } = errorJson(look.error)
    return { at, error: { code, message } }
  }
  return { at, ...look.report, rates: look.rates, lateness: look.lateness }
}

function ratesText(rates: Rates | null): string {
  if (!rates) return 'not known yet'
  const { scheduled, delivered, waiting, overSeconds } = rates
  const known = [
    scheduled === null ? [] : `scheduled ${number(scheduled)}/s`,
    delivered === null ? [] : `delivered ${number(delivered)}/s`,
    `waiting ${waiting > 0 ? '+' : ''}${number(waiting)}/s`,
  ]
  return `${known.flat().join(', ')}  (${number(overSeconds)} s)`
}

const SOURCES: Record<Lateness['source'], string> = { metrics: 'exporters', probe: 'probe' }

function latenessText(lateness: Lateness | null): string {
  if (!lateness) return 'not measured'
  return `${countText(lateness)}  (${number(lateness.overSeconds)} s, ${SOURCES[lateness.source]})`
}

function countText({ messages, p50Ms, p99Ms }: LatenessCount): string {
  if (p50Ms === null || p99Ms === null) return 'no message yet'
  return `p50 ${durationText(p50Ms)}, p99 ${durationText(p99Ms)} of ${counted(messages, 'message', 'messages', number)}`
}

function instant(date: Date): string {
  return utcTimes.clock(date).replace(/\.\d+Z$/, 'Z')
}
