import { useRef, useState } from 'preact/hooks'
import type { Timeline } from '../../api.js'
import { clockText, dayText } from '../text/instants.js'
import { countText, numberText } from '../text/numbers.js'
import { isLabelled, placeOfBar, type Bin } from './bins.js'

interface Props {
  bins: readonly Bin[]
  unit: Timeline['unit']
  onShow: (bin: Bin) => void
}

const [WIDTH, HEIGHT] = [1000, 100]
/** Of a bar where there are few. */
const WIDEST = 60

/** Bars that are buttons. One of them is reached by Tab, the others by the arrow keys. */
export function TimelineBars({ bins, unit, onShow }: Props) {
  const [at, setAt] = useState<number>()
  const group = useRef<SVGGElement>(null)
  const current = placeOfBar(bins, at)
  const most = Math.max(1, ...bins.map(({ count }) => count))
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextOf(event.key, current, bins.length)
    if (next !== undefined) {
      setAt(bins[next]!.from)
      ;(group.current?.children[next] as SVGElement | undefined)?.focus()
    } else if (event.key === 'Enter' || event.key === ' ') onShow(bins[current]!)
    else return
    event.preventDefault()
  }
  return (
    <div class="bars">
      <span class="most">{bins.length > 0 && numberText(most)}</span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
        <path class="grid" d={`M0 4H${WIDTH}M0 ${HEIGHT / 2 + 2}H${WIDTH}`} />
        <g ref={group} role="group" aria-label="Messages by due time" onKeyDown={onKeyDown}>
          {bins.map((bin, i) => (
            <Bar
              key={bin.from}
              {...{ bin, unit, most, place: i, places: bins.length, isCurrent: i === current }}
              onFocus={() => setAt(bin.from)}
              onShow={onShow}
            />
          ))}
        </g>
      </svg>
      <Labels bins={bins} unit={unit} />
    </div>
  )
}

function Labels({ bins, unit }: Pick<Props, 'bins' | 'unit'>) {
  return (
    <div class="bar-labels" aria-hidden="true">
      {bins.map((bin, i) =>
        isLabelled(bin, unit) ? (
          <Label key={bin.from} {...{ bin, unit }} at={(100 * i) / bins.length} step={100 / bins.length} />
        ) : null,
      )}
    </div>
  )
}

/** Of a day below the middle of its bar; of a shorter unit where that begins. */
function Label({ bin, unit, at, step }: { bin: Bin; unit: Timeline['unit']; at: number; step: number }) {
  if (unit !== 'day') return <span style={{ left: `${at}%` }}>{clockText(bin.from)}</span>
  return (
    <span class="of-day" style={{ left: `${at}%`, width: `${step}%` }}>
      {dayText(bin.from)}
    </span>
  )
}

interface BarProps {
  bin: Bin
  unit: Timeline['unit']
  most: number
  place: number
  places: number
  isCurrent: boolean
  onFocus: () => void
  onShow: (bin: Bin) => void
}

function Bar({ bin, unit, most, place, places, isCurrent, onFocus, onShow }: BarProps) {
  const step = WIDTH / places
  const width = Math.min(step * 0.8, WIDEST)
  // A single message is seen beside thousands.
  const height = bin.count === 0 ? 0 : Math.max(3, (bin.count / most) * (HEIGHT - 4))
  const name = `${spanText(bin, unit)}: ${countText(bin.count, 'message')}`
  return (
    <g
      class="bar"
      role="button"
      tabIndex={isCurrent ? 0 : -1}
      aria-label={name}
      onFocus={onFocus}
      onClick={() => onShow(bin)}
    >
      <title>{name}</title>
      <rect class="slot" x={place * step} y={0} width={step} height={HEIGHT} />
      <rect class="fill" x={(place + 0.5) * step - width / 2} y={HEIGHT - height} width={width} height={height} />
    </g>
  )
}

function spanText({ from, to }: Bin, unit: Timeline['unit']): string {
  const day = unit === 'minute' ? '' : `${dayText(from)}, `
  if (unit === 'day') return `${day}${clockText(from)} to ${dayText(to)}, ${clockText(to)}`
  return `${day}${clockText(from)} to ${clockText(to)}`
}

function nextOf(key: string, current: number, count: number): number | undefined {
  switch (key) {
    case 'ArrowRight':
      return Math.min(current + 1, count - 1)
    case 'ArrowLeft':
      return Math.max(current - 1, 0)
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return undefined
  }
}
