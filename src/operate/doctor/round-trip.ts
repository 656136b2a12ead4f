import { durationText } from '../../base/duration-text.js'
import { finding, type Finding } from '../../base/finding.js'
import type { ResolvedOptions } from '../../options.js'
import { Probe, PROBE_PATIENCE_MS, type Trip } from '../probe.js'

/** Rungs may have to be declared, and the process may be busy. */
const LATE_MS = 2000

/** Sends one message with a delay of 1 s through a {@link Probe}. */
export async function roundTrip(options: ResolvedOptions, signal: AbortSignal): Promise<Trip> {
  const probe = new Probe(options, 'doctor')
  try {
    return await probe.trip(signal)
  } finally {
    await probe.close()
  }
}

/** Where nothing is declared, the queue of the trip would not be bound, and the message be parked. */
export function tripLeftOut(): Finding {
  const what = 'no round trip: the queue for it would have to be declared, which topology trust does not do'
  return finding('note', 'trip-left-out', what, 'dueque doctor --topology declare, as a user who may configure')
}

export function judgeTrip(trip: Trip): Finding {
  if (trip.arrived) {
    const by = durationText(Math.abs(trip.latenessMs))
    if (trip.latenessMs < 0) {
      const todo = 'let the nodes keep time (NTP); use RabbitMQ'
      return finding('error', 'trip-early', `a message with a delay of 1 s arrived ${by} early`, todo)
    }
    const what = `a message with a delay of 1 s arrived ${by} late`
    if (trip.latenessMs <= LATE_MS) return finding('ok', 'trip', what)
    return finding('warning', 'trip-late', what, 'look at the load of the broker, and again with dueque doctor')
  }
  switch (trip.why) {
    case 'lost': {
      const what = `a message with a delay of 1 s did not arrive within ${PROBE_PATIENCE_MS / 1000} s of being due`
      return finding('error', 'trip-lost', what, 'see the other findings, and dueque status')
    }
    case 'blocked':
      return finding('error', 'alarm', `RabbitMQ takes no messages: ${trip.text}`, 'free memory or disk')
    case 'denied':
      return finding('note', 'trip-denied', `no round trip: ${trip.text}`, 'give the permission, or --no-round-trip')
    case 'failed':
      return finding('error', 'trip-failed', `no message could be sent: ${trip.text}`, 'see the other findings')
    case 'interrupted':
      return finding('note', 'trip-interrupted', 'the round trip was interrupted')
  }
}
