import { once } from 'node:events'

/** Resolves at the first signal to stop, or when the process that started this one is gone. */
export async function untilStopped(): Promise<void> {
  const events = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const
  // A listener stays: a second signal does not end the process while it closes.
  for (const event of events) process.on(event, () => undefined)
  await Promise.race(events.map((event) => once(process, event)))
  // The channel to that process would keep this one running.
  if (process.connected) process.disconnect()
}
