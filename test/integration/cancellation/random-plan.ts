import fc from 'fast-check'

/** What a producer, or an operator, does at a moment of a plan. */
export interface PlanStep {
  /** Milliseconds after the plan has started. */
  readonly atMs: number
  readonly what: 'schedule' | 'repeat' | 'cancel receipt' | 'cancel id' | 'cancel id and due' | 'reschedule' | 'restart'
  /** The number of an id, or of the consumer to restart. */
  readonly id: number
  /** Which of the copies under the id, as a number to take the rest of. */
  readonly copy: number
  readonly dueInMs: number
  /** How many attempts of the copy fail. */
  readonly failures: number
}

const STEPS = 180
const IDS = 25
const EVERY_MS = 25

const whats = fc.oneof(
  { weight: 40, arbitrary: fc.constant('schedule' as const) },
  { weight: 5, arbitrary: fc.constant('repeat' as const) },
  { weight: 15, arbitrary: fc.constant('cancel receipt' as const) },
  { weight: 8, arbitrary: fc.constant('cancel id' as const) },
  { weight: 8, arbitrary: fc.constant('cancel id and due' as const) },
  { weight: 20, arbitrary: fc.constant('reschedule' as const) },
  { weight: 4, arbitrary: fc.constant('restart' as const) },
)

const steps = fc.array(
  fc.record({
    what: whats,
    id: fc.nat(IDS - 1),
    copy: fc.nat(1000),
    dueInMs: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 1500, max: 6000 })),
    failures: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
    ),
  }),
  { minLength: STEPS, maxLength: STEPS, size: 'max' },
)

/** The same plan for the same seed: schedules, cancellations, reschedules and restarts over some seconds. */
export function randomPlan(seed: number): PlanStep[] {
  const [plan] = fc.sample(steps, { seed, numRuns: 1 })
  return plan!.map((step, i) => ({ ...step, atMs: i * EVERY_MS }))
}
