import type { ComponentChildren } from 'preact'
import type { About, CountTrend, LatenessView, Overview } from '../../api.js'
import { durationText } from '../../../base/duration-text.js'
import { hrefOf } from '../data/hash-route.js'
import { changeText, countText, numberText } from '../text/numbers.js'

/** The numbers of this moment. Their places stay the same while they change. */
export function Tiles({ about, overview }: { about: About; overview: Overview | undefined }) {
  const { waiting, dueWithinMinute, deliveredPerMinute, scheduledPerMinute, lateness, dead, parked } = overview ?? {}
  const perMinute =
    deliveredPerMinute === null ? deliveredPerMinute : deliveredPerMinute && Math.round(deliveredPerMinute)
  return (
    <div class="tiles">
      <Tile title="Waiting" value={waiting} href={hrefOf('waiting')} />
      <Tile title="Due within a minute" value={dueWithinMinute} />
      <Tile title="Delivered a minute" value={perMinute}>
        {typeof scheduledPerMinute === 'number' && `${numberText(Math.round(scheduledPerMinute))} scheduled a minute`}
      </Tile>
      <LatenessTile lateness={lateness} isKnown={overview !== undefined} />
      {about.broker && <TrendTile title="Dead" trend={dead} href={hrefOf('dead')} />}
      {about.broker && <TrendTile title="Parked" trend={parked} href={hrefOf('parked')} />}
    </div>
  )
}

interface TileProps {
  title: string
  /** Null: not known. Undefined: not yet. */
  value: number | string | null | undefined
  href?: string
  isBad?: boolean
  children?: ComponentChildren
}

function Tile({ title, value, href, isBad = false, children }: TileProps) {
  const text = typeof value === 'number' ? numberText(value) : (value ?? '–')
  return (
    <section class={isBad ? 'tile bad' : 'tile'}>
      <h2>{href ? <a href={href}>{title}</a> : title}</h2>
      <p class={typeof value === 'string' ? 'value long' : 'value'}>{text}</p>
      <p class="detail">{value === null ? 'not known' : children}</p>
    </section>
  )
}

function TrendTile({ title, trend, href }: { title: string; trend: CountTrend | null | undefined; href: string }) {
  return (
    <Tile title={title} value={trend && trend.messages} href={href} isBad={!!trend && trend.messages > 0}>
      {trend &&
        `${changeText(trend.change)} in ${durationText(Math.max(1000, Math.round(trend.overMs / 1000) * 1000))}`}
    </Tile>
  )
}

const SOURCES: Readonly<Record<LatenessView['source'], string>> = {
  exporters: 'all messages, by the exporters of the consumers',
  probe: 'a probe message of the dashboard',
}

function LatenessTile({ lateness, isKnown }: { lateness: LatenessView | null | undefined; isKnown: boolean }) {
  if (!lateness) return <Tile title="Lateness p50 / p99" value={isKnown ? null : undefined} />
  const { p50Ms, p99Ms, messages, source, problems } = lateness
  const shown = (ms: number | null) => (ms === null ? '–' : durationText(ms))
  return (
    <Tile title="Lateness p50 / p99" value={`${shown(p50Ms)} / ${shown(p99Ms)}`} isBad={problems.length > 0}>
      {source === 'exporters' ? `${countText(messages, 'message')}: ${SOURCES[source]}` : `From ${SOURCES[source]}`}
      {problems.map((problem) => (
        <span key={problem} class="tile-problem">
          {problem}
        </span>
      ))}
    </Tile>
  )
}
