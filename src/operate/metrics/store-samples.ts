import { readyAt } from '../../message/delayed-message.js'
import type { Sample } from '../../telemetry/prometheus/exposition.js'
import type { WaitingView } from '../../strategies/waiting-view.js'

/** The metrics of a store. @param name `redis` or `postgres` */
export async function storeSamples(name: string, view: WaitingView, now: () => number): Promise<Sample[]> {
  const [count, [next], [first]] = await Promise.all([
    view.count({}),
    view.list({}, { limit: 1 }),
    // A relay that is late is late with ticks, too.
    view.list({ withTicks: true }, { limit: 1 }),
  ])
  const nextAt = next && readyAt(next)
  const lagMs = first ? now() - readyAt(first) : 0
  return [
    { metric: 'messages_waiting', labels: { unit: name }, value: count },
    ...(nextAt === undefined ? [] : [{ metric: 'next_due_timestamp_seconds', value: nextAt / 1000 } as const]),
    { metric: 'relay_lag_seconds', value: Math.max(lagMs, 0) / 1000 },
  ]
}
