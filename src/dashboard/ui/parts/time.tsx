import { distanceText } from '../../../base/duration-text.js'
import { serverNow } from '../data/server-clock.js'
import { useTicking } from '../data/use-ticking.js'
import { absoluteText } from '../text/instants.js'

/** An instant as a distance from now, with the absolute time in its title. */
export function Time({ at, both = false }: { at: string | null; both?: boolean }) {
  const instant = at === null ? NaN : Date.parse(at)
  const text = useTicking(() => (Number.isNaN(instant) ? '–' : distanceText(instant - serverNow())), [instant])
  if (at === null || Number.isNaN(instant)) return <span class="none">–</span>
  const absolute = absoluteText(instant)
  return (
    <time dateTime={at} title={absolute}>
      {both ? `${absolute} (${text})` : text}
    </time>
  )
}
