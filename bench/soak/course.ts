import type { Destination, RetryPolicy } from 'dueque'
import { HANDLED_ONCE, type Expectation, type Step } from '../../scripts/checker/expectation.js'
import { below, randomFrom } from './random.js'

/** A strategy of the run. Each has a namespace, queues and recurring schedules of its own. */
export type Kind = 'ladder' | 'redis' | 'postgres'

/** The course of a message, computed from its number: producer, consumer and check agree without communication. */
export interface Course extends Expectation {
  kind: Kind
  to: Destination
  /** From the schedule until it is due. */
  delayMs: number
  /** It is scheduled by `scheduleAll`, with others. */
  isBulk: boolean
  /** What its producer does with it while it waits. */
  change: Change | undefined
  /** Run time of the handler at each attempt. */
  handlerMs: number
}

export interface Change {
  does: 'cancel' | 'reschedule'
  /** From the confirm of its schedule. */
  afterMs: number
  /** The target of the change. */
  by: 'receipt' | 'id and due' | 'id'
  /** Of the rescheduled copy, from then on. */
  delayMs: number
}

/** Bound to the exchange. */
export const TOPIC_QUEUE = 'soak.topic.work'
export const EXCHANGE = 'soak.topic'

export const queuesOf = (kind: Kind): string[] => (kind === 'ladder' ? ['soak.ladder', TOPIC_QUEUE] : [`soak.${kind}`])
export const namespaceOf = (kind: Kind): string => `soak-${kind}`

const LONGEST_DELAY_MS = 10_000
const LONGEST_HANDLER_MS = 30
/** What `retry({ in })` is called with. */
export const POSTPONED_MS = 700
const HOUR_MS = 3_600_000
/** In whole hours: such messages rest in the rungs of hours. */
const FAR_MS = [6 * HOUR_MS, 7 * HOUR_MS] as const
const SHORTEST_CHANGED_MS = 3_000

const BACKOFF_MS = [500, 1500] as const
/** Of the consumers. */
export const RETRY: RetryPolicy = { attempts: 3, backoff: BACKOFF_MS }

/** In percent. */
const ENDS: readonly { share: number; steps: readonly Step[]; expires?: true }[] = [
  { share: 70, steps: ['return'] },
  { share: 7, steps: ['throw', 'return'] },
  { share: 5, steps: ['throw', 'throw', 'return'] },
  { share: 6, steps: ['retry', 'return'] },
  { share: 4, steps: ['dead-letter'] },
  { share: 4, steps: ['throw', 'throw', 'throw'] },
  { share: 4, steps: ['return'], expires: true },
]
const [BULK, CANCELLED, RESCHEDULED, FAR, STORED] = [25, 10, 8, 1.5, 30]

/** @param kinds of the run, the ladder first */
export function courseOf(seed: number, n: number, kinds: readonly Kind[]): Course {
  const random = randomFrom(seed ^ Math.imul(n + 1, 0x9e3779b1))
  const percent = () => random() * 100
  const { steps, expires } = endAt(percent())
  const isStored = kinds.length > 1 && percent() < STORED
  const kind = isStored ? kinds[1 + below(kinds.length - 1, random)]! : 'ladder'
  const stays = percent() < FAR
  const changed = percent()
  const isChanged = changed < CANCELLED + RESCHEDULED
  const shortest = isChanged ? SHORTEST_CHANGED_MS : 0
  const delayMs = stays ? FAR_MS[0] : shortest + below(LONGEST_DELAY_MS - shortest + 1, random)
  const change: Change = {
    does: changed < CANCELLED ? 'cancel' : 'reschedule',
    afterMs: below(Math.min(delayMs, LONGEST_DELAY_MS), random),
    by: (['receipt', 'id and due', 'id'] as const)[below(3, random)]!,
    delayMs: stays ? FAR_MS[1] : below(LONGEST_DELAY_MS + 1, random),
  }
  const expiresInMs = expires && !stays ? 1 + below(20, random) : undefined
  return {
    kind,
    to: destinationOf(kind, random),
    delayMs,
    isBulk: percent() < BULK,
    change: isChanged ? change : undefined,
    steps,
    expiresInMs,
    handlerMs: below(LONGEST_HANDLER_MS, random),
    stays,
    isListed: stays,
    cancelsRetries: kind !== 'ladder',
    waitAfterMs: (attempt) => waitAfterMs(steps, attempt),
    deadReason: deadReasonOf(steps, expiresInMs),
  }
}

function endAt(percent: number) {
  let sum = 0
  return ENDS.find(({ share }) => percent < (sum += share)) ?? ENDS[0]!
}

function destinationOf(kind: Kind, random: () => number): Destination {
  const [queue] = queuesOf(kind) as [string]
  const byTopic = kind === 'ladder' && random() < 0.5
  return byTopic ? { exchange: EXCHANGE, routingKey: `soak.${below(7, random)}` } : { queue }
}

function waitAfterMs(steps: readonly Step[], attempt: number): number {
  return steps[attempt - 1] === 'retry' ? POSTPONED_MS : BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length) - 1]!
}

function deadReasonOf(steps: readonly Step[], expiresInMs: number | undefined): string | undefined {
  if (expiresInMs !== undefined) return 'expired'
  const last = steps.at(-1)
  if (last === 'return') return undefined
  return last === 'throw' ? 'handler-error' : 'dead-lettered'
}

const PREFIX = 'soak-'

/** The id of a message, and the key of it for the check. Occurrences have their id as key. */
export const idOf = (n: number): string => `${PREFIX}${n}`
export const keyOf = (id: string): string => (id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id)
export const ID_PREFIX = PREFIX

/** What should become of a message, by its key. An occurrence of a recurring message is handled once. */
export function expectationOf(seed: number, kinds: readonly Kind[]): (key: string) => Expectation {
  return (key) => (/^\d+$/.test(key) ? courseOf(seed, Number(key), kinds) : HANDLED_ONCE)
}
