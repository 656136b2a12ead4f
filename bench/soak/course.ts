import type { RetryPolicy } from 'dueque'
import { HANDLED_ONCE, type Expectation, type Step } from '../../scripts/checker/expectation.js'
import { placeOf, type Place } from './places.js'
import type { Kind } from './queues.js'
import { below, randomFrom } from './random.js'

/** The course of a message, computed from its number: producer, consumer and check agree without communication. */
export interface Course extends Expectation, Place {
  kind: Kind
  /** From the schedule until it is due. */
  delayMs: number
  /** It is scheduled by `scheduleAll`, with others. */
  isBulk: boolean
  /** These may travel with it in a batch, if they are due at the same second. */
  isBatched: boolean
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

const LONGEST_DELAY_MS = 10_000
const LONGEST_HANDLER_MS = 30
/** What `retry({ in })` is called with. */
export const POSTPONED_MS = 700
const HOUR_MS = 3_600_000
/** In whole hours: such messages rest in the rungs of hours. */
const FAR_MS = [6 * HOUR_MS, 7 * HOUR_MS] as const
const SHORTEST_CHANGED_MS = 3_000
/** Few, so that there is company. */
const BATCHED_MS = [2_000, 5_000, 8_000] as const

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
const [BULK, BATCHED, CANCELLED, RESCHEDULED, FAR, STORED] = [25, 35, 10, 8, 1.5, 30]

/** @param kinds of the run, the ladder first */
export function courseOf(seed: number, n: number, kinds: readonly Kind[]): Course {
  const random = randomFrom(seed ^ Math.imul(n + 1, 0x9e3779b1))
  const percent = () => random() * 100
  const isStored = kinds.length > 1 && percent() < STORED
  const kind = isStored ? kinds[1 + below(kinds.length - 1, random)]! : 'ladder'
  const place = placeOf(kind, kinds, random)
  const stays = percent() < FAR
  const { steps, expires } = endOf(place, percent())
  // All of those far ahead, so that some have company.
  const isBatched = place.takesBatches === true && (stays || percent() < BATCHED)
  const changed = percent()
  const isChanged = changed < CANCELLED + RESCHEDULED
  const shortest = isChanged ? SHORTEST_CHANGED_MS : 0
  const soonMs = isBatched
    ? BATCHED_MS[below(BATCHED_MS.length, random)]!
    : shortest + below(LONGEST_DELAY_MS - shortest + 1, random)
  const delayMs = stays ? FAR_MS[0] : soonMs
  const change: Change = {
    does: changed < CANCELLED ? 'cancel' : 'reschedule',
    afterMs: below(Math.min(delayMs, LONGEST_DELAY_MS), random),
    by: (['receipt', 'id and due', 'id'] as const)[below(3, random)]!,
    delayMs: stays ? FAR_MS[1] : below(LONGEST_DELAY_MS + 1, random),
  }
  const expiresInMs = expires && !stays ? 1 + below(20, random) : undefined
  return {
    ...place,
    ...{ kind, delayMs, isBatched, steps, expiresInMs, stays },
    isBulk: isBatched || percent() < BULK,
    change: isChanged ? change : undefined,
    handlerMs: below(LONGEST_HANDLER_MS, random),
    isListed: stays,
    cancelsRetries: kind !== 'ladder',
    isForeign: place.isGated,
    via: place.isGated ? 'consumer' : place.isOperated ? 'operator' : undefined,
    waitAfterMs: (attempt) => waitAfterMs(steps, attempt),
    deadReason: deadReasonOf(steps, expiresInMs),
  }
}

/** A consumer that does not know dueque handles once. What an operator redrives is handled then, and would not have expired. */
function endOf({ isGated, isOperated }: Place, percent: number): { steps: readonly Step[]; expires?: true } {
  const end = endAt(percent)
  if (isGated) return { ...end, steps: ['return'] }
  if (!isOperated) return end
  const { steps } = end
  if (steps.length === 1) return { steps: ['dead-letter', 'return'] }
  return { steps: steps.at(-1) === 'return' ? steps : [...steps, 'return'] }
}

function endAt(percent: number) {
  let sum = 0
  return ENDS.find(({ share }) => percent < (sum += share)) ?? ENDS[0]!
}

/** A message that is dead in between does not wait. */
function waitAfterMs(steps: readonly Step[], attempt: number): number {
  const step = steps[attempt - 1]
  if (step === 'retry') return POSTPONED_MS
  return step === 'throw' ? (BACKOFF_MS[attempt - 1] ?? 0) : 0
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
