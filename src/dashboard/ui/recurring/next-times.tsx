import type { RecurringDetails } from '../../api.js'
import { serverNow } from '../data/server-clock.js'
import { useTicking } from '../data/use-ticking.js'
import { Time } from '../parts/time.js'
import { absoluteText } from '../text/instants.js'

const [WIDTH, HEIGHT, MIDDLE] = [400, 28, 14]

/** The next ten times on a line from now, and as a list; the last ten after a click. */
export function NextTimes({ schedule: { next, last, paused } }: { schedule: RecurringDetails }) {
  return (
    <section>
      <h3>Next times</h3>
      {next.length > 0 && <Line times={next} />}
      {next.length === 0 && (
        <p class="note">{paused ? 'It is paused, so it has no next time.' : 'It is over: it has no next time.'}</p>
      )}
      <ol class="times">
        {next.map((at) => (
          <li key={at}>
            <Time at={at} both />
          </li>
        ))}
      </ol>
      {last.length > 0 && (
        <details>
          <summary>Last times of its calendar</summary>
          <p class="hint">Whether messages were sent or not.</p>
          <ol class="times">
            {last.map((at) => (
              <li key={at}>
                <Time at={at} both />
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  )
}

function Line({ times }: { times: readonly string[] }) {
  const now = useTicking(serverNow, [])
  const end = Date.parse(times.at(-1)!)
  const place = (at: number) => 8 + (WIDTH - 16) * Math.min(1, Math.max(0, (at - now) / Math.max(1, end - now)))
  return (
    <>
      <svg class="next-line" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="The next times, from now on">
        <line x1={8} y1={MIDDLE} x2={WIDTH - 8} y2={MIDDLE} />
        <line class="now" x1={8} y1={4} x2={8} y2={HEIGHT - 4} />
        {times.map((at) => (
          <circle key={at} cx={place(Date.parse(at))} cy={MIDDLE} r={4.5}>
            <title>{absoluteText(Date.parse(at))}</title>
          </circle>
        ))}
      </svg>
      <p class="line-ends">
        <span>now</span>
        <Time at={times.at(-1)!} />
      </p>
    </>
  )
}
