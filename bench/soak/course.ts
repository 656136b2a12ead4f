import type { Destination, RetryPolicy } from 'dueque'
import { below, randomFrom } from './random.js'

/** What a handler does at one attempt. */
export type Step = 'return' | 'throw' | 'retry' | 'dead-letter'

/** The course of a message, computed from its number: producer, consumer and audit agree without communication. */
export interface Course {
  to: Destination
  /** From the schedule until it is due. */
  delayMs: number
  /** Action of the handler at the first attempt, the second … The last one ends the message. */
  steps: readonly Step[]
  /** Its expiry: the message is dead if no handler started before. */
  expiresInMs: number | undefined
  /** Run time of the handler at each attempt. */
  handlerMs: number
}

export const QUEUE = 'soak.queue'
export const EXCHANGE = 'soak.topic'
/** Bound to the exchange. */
export const TOPIC_QUEUE = 'soak.topic.work'
export const QUEUES = [QUEUE, TOPIC_QUEUE]

const LONGEST_DELAY_MS = 10_000
const LONGEST_HANDLER_MS = 30
/** What `retry({ in })` is called with. */
export const POSTPONED_MS = 700

const BACKOFF_MS = [500, 1500] as const
/** Of the consumers. */
export const RETRY: RetryPolicy = { attempts: 3, backoff: BACKOFF_MS }

/** In percent. */
const KINDS: readonly { share: number; steps: readonly Step[]; expires?: true }[] = [
  { share: 70, steps: ['return'] },
  { share: 7, steps: ['throw', 'return'] },
  { share: 5, steps: ['throw', 'throw', 'return'] },
  { share: 6, steps: ['retry', 'return'] },
  { share: 4, steps: ['dead-letter'] },
  { share: 4, steps: ['throw', 'throw', 'throw'] },
  { share: 4, steps: ['return'], expires: true },
]

export function courseOf(seed: number, n: number): Course {
  const random = randomFrom(seed ^ Math.imul(n + 1, 0x9e3779b1))
  const { steps, expires } = kindAt(random() * 100)
  return {
    to: random() < 0.5 ? { queue: QUEUE } : { exchange: EXCHANGE, routingKey: `soak.${below(7, random)}` },
    delayMs: below(LONGEST_DELAY_MS + 1, random),
    steps,
    expiresInMs: expires && 1 + below(20, random),
    handlerMs: below(LONGEST_HANDLER_MS, random),
  }
}

function kindAt(percent: number) {
  let sum = 0
  return KINDS.find(({ share }) => percent < (sum += share)) ?? KINDS[0]!
}

/** Minimum between the end of an attempt and the next one. */
export function waitAfterMs({ steps }: Course, attempt: number): number {
  return steps[attempt - 1] === 'retry' ? POSTPONED_MS : BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length) - 1]!
}

/** dueque's reason if the message may be in the dead queue. */
export function deadReasonOf({ steps, expiresInMs }: Course): string | undefined {
  if (expiresInMs !== undefined) return 'expired'
  const last = steps.at(-1)
  if (last === 'return') return undefined
  return last === 'throw' ? 'handler-error' : 'dead-lettered'
}
