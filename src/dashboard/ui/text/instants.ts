const ABSOLUTE = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const SHORT_FIELDS = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const
const SHORT = new Intl.DateTimeFormat('en-GB', SHORT_FIELDS)
const SHORT_WITH_YEAR = new Intl.DateTimeFormat('en-GB', { ...SHORT_FIELDS, year: 'numeric' })
const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })

/** In the viewer's zone, with its name. */
export function absoluteText(at: number): string {
  return ABSOLUTE.format(at)
}

/** `09:30`. */
export function clockText(at: number): string {
  return CLOCK.format(at)
}

/** `Mon 30 Nov`. */
export function dayText(at: number): string {
  return DAY.format(at).replace(',', '')
}

/** `30 Nov, 09:30`, with the year if it is not this one. */
export function shortText(at: number, now: number): string {
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return (isThisYear ? SHORT : SHORT_WITH_YEAR).format(at)
}

/** The viewer's zone: `Europe/Berlin`. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** The value of an `<input type="datetime-local">`, in the viewer's zone. Empty for no instant. */
export function localInput(at: number): string {
  if (Number.isNaN(at)) return ''
  const date = new Date(at)
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** The instant of such a value. Undefined for an empty or half-typed one. */
export function instantOfInput(value: string): string | undefined {
  const at = value === '' ? NaN : Date.parse(value)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
