import { readyAt } from '../../message/delayed-message.js'
import type { Sample } from '../../telemetry/prometheus/exposition.js'
import type { WaitingView } from '../../strategies/waiting-view.js'

/** The metrics of a store. @param name `redis` or `postgres` */
export async function storeSamples(name: string, view: WaitingView, now: () => number): Promise<Sample[]> {
  const [count, [next]] = await Promise.all([view.count({}), view.list({}, { limit: 1 })])
  const nextAt = next && readyAt(next)
  return [
    { metric: 'messages_waiting', labels: { unit: name }, value: count },
    ...(nextAt === undefined ? [] : [{ metric: 'next_due_timestamp_seconds', value: nextAt / 1000 } as const]),
    { metric: 'relay_lag_seconds', value: nextAt === undefined ? 0 : Math.max(now() - nextAt, 0) / 1000 },
  ]
}
