import { zoneOffset } from '../base/zone-offset.js'

/**
 * Instants as text: ISO 8601 with an offset, a time zone in brackets, or both, and further annotations as in RFC 9557.
 * https://www.rfc-editor.org/rfc/rfc9557
 */

const TIME = String.raw`(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?`
const OFFSET = String.raw`[Zz]|[+-]\d\d(?::?\d\d)?`
const INSTANT = new RegExp(`^${TIME}(${OFFSET})?((?:\\[[^\\]]+\\])*)$`)
const ZONE = new RegExp(`^(!?)(${OFFSET}|[A-Za-z._][A-Za-z0-9._+-]*(?:/[A-Za-z._][A-Za-z0-9._+-]*)*)$`)
const TAG = /^(!?)[a-z_][a-z0-9_-]*=[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/

/** What is expected of a text that is no instant. */
export interface Problem {
  problem: string
}

const NO_INSTANT = "expected ISO 8601 with an offset or a time zone, such as '2026-11-23T09:00:00+01:00'"
const NO_ZONE = `${NO_INSTANT}; the zone is missing, such as Z, +01:00 or [Europe/Berlin]`

/** Milliseconds since the epoch; a fraction of a millisecond counts as a whole one. */
export function parseIso(text: string): number | Problem {
  const match = INSTANT.exec(text)
  if (!match) return { problem: /^\d{4}-\d\d-\d\d [\d:.]+$/.test(text) ? NO_ZONE : NO_INSTANT }
  const [, year, month, day, hour, minute, second = '0', fraction = '0', offset, annotations = ''] = match
  const localMs = utcOf([year, month, day, hour, minute, second].map(Number))
  const zone = zoneOf(annotations)
  const offsetMs = offset === undefined ? undefined : offsetOf(offset)
  if (localMs === undefined || Number.isNaN(offsetMs)) return { problem: 'expected a time that exists' }
  if (typeof zone === 'object') return zone
  const ms = inZone(localMs, offsetMs, zone, offset)
  return typeof ms === 'number' ? ms + Math.ceil(Number(`0.${fraction}`) * 1000) : ms
}

/** As if the local time were UTC. Nothing for a day or an hour that does not exist. */
function utcOf(fields: number[]): number | undefined {
  const [year, month, day, hour, minute, second] = fields as [number, number, number, number, number, number]
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  if (year < 100) date.setUTCFullYear(year)
  const back = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
  const exists = back.every((field, i) => field === fields[i]) && hour < 24 && minute < 60 && second < 60
  return exists ? date.getTime() : undefined
}

/** Milliseconds, or NaN. */
function offsetOf(text: string): number {
  if (/z/i.test(text)) return 0
  const hours = Number(text.slice(1, 3))
  const minutes = text.length > 3 ? Number(text.slice(-2)) : 0
  if (hours > 23 || minutes > 59) return NaN
  return (hours * 60 + minutes) * 60_000 * (text.startsWith('-') ? -1 : 1)
}

/** The time zone that the annotations name, if they do. RFC 9557, 4.1. */
function zoneOf(annotations: string): string | undefined | Problem {
  let zone: string | undefined
  for (const [i, annotation] of annotations.slice(1, -1).split('][').entries()) {
    if (annotations === '') break
    const tag = TAG.exec(annotation)
    // A critical annotation must not be ignored; the calendar of ISO 8601 is the one in use. 3.3.
    if (tag?.[1] === '!' && annotation !== '!u-ca=iso8601')
      return { problem: `expected no critical annotation but a time zone` }
    if (tag) continue
    const [, , name] = ZONE.exec(annotation) ?? []
    if (i > 0 || name === undefined)
      return { problem: 'expected a time zone and then key=value in brackets, as in RFC 9557' }
    zone = name
  }
  return zone
}

/** The instant of a local time, by its offset, its zone, or both, which have to agree. */
function inZone(
  localMs: number,
  offsetMs: number | undefined,
  zone: string | undefined,
  offset: string | undefined,
): number | Problem {
  if (zone === undefined) return offsetMs === undefined ? { problem: NO_ZONE } : localMs - offsetMs
  const offsetAt = rulesOf(zone)
  if (!offsetAt) return { problem: 'expected a time zone that is known here' }
  if (offsetMs === undefined) return resolved(localMs, offsetAt)
  const ms = localMs - offsetMs
  const actualMs = offsetAt(ms)
  // Z and -00:00 say nothing of the local offset: RFC 9557, 2. Before standard time, offsets had seconds.
  const agrees = /^(z|-00:?(00)?)$/i.test(offset!) || Math.abs(actualMs - offsetMs) < 60_000
  return agrees ? ms : { problem: `expected an offset that fits the time zone, which has ${offsetText(actualMs)} then` }
}

/** A local time in a zone: the first of two instants, and none where the clocks skip it. */
function resolved(localMs: number, offsetAt: (ms: number) => number): number | Problem {
  const [before, after] = [offsetAt(localMs - DAY_MS), offsetAt(localMs + DAY_MS)]
  if (before === after) return localMs - before
  const instants = [localMs - before, localMs - after].filter((ms) => ms + offsetAt(ms) === localMs)
  if (instants.length > 0) return Math.min(...instants)
  return { problem: 'expected a local time that the clocks of the zone do not skip' }
}

const DAY_MS = 86_400_000

/** The offset of a zone at an instant, in milliseconds; nothing for a zone that is not known. */
function rulesOf(zone: string): ((ms: number) => number) | undefined {
  if (/^[+-]/.test(zone)) {
    const offsetMs = offsetOf(zone)
    return Number.isNaN(offsetMs) ? undefined : () => offsetMs
  }
  return zoneOffset(zone)
}

function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000)
  const pair = (value: number) => String(value).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${pair(Math.floor(minutes / 60))}:${pair(minutes % 60)}`
}
