/** How much of everything a run does. */
export interface Sizes {
  readonly form: 'long' | 'short'
  /** After each measurement, for the housekeeping of the servers. */
  readonly restMs: number
  readonly warmUp: number
  readonly rate: { readonly oneByOne: number; readonly inFlight: number; readonly bulk: number }
  readonly steady: {
    /** Per second. */
    readonly rates: readonly number[]
    readonly seconds: number
  }
  /** Random delays of the steady rates and of the bulk. */
  readonly delaysMs: readonly [least: number, most: number]
  readonly burst: { readonly count: number; readonly dueInMs: number }
  readonly ceiling: { readonly delayMs: number; readonly rates: readonly number[]; readonly seconds: number }
  readonly waiting: { readonly counts: readonly number[]; readonly probe: number }
  readonly kill: { readonly count: number; readonly delaysMs: readonly [least: number, most: number] }
}

/** For the documentation: some minutes for each contestant and round. */
export const LONG: Sizes = {
  form: 'long',
  restMs: 2000,
  warmUp: 2000,
  rate: { oneByOne: 2000, inFlight: 20_000, bulk: 50_000 },
  steady: { rates: [500, 2000, 5000], seconds: 20 },
  delaysMs: [1000, 10_000],
  burst: { count: 50_000, dueInMs: 40_000 },
  ceiling: { delayMs: 5000, rates: [2000, 4000, 6000, 8000, 10_000, 12_000, 14_000, 16_000, 20_000], seconds: 10 },
  waiting: { counts: [10_000, 100_000, 1_000_000], probe: 10_000 },
  kill: { count: 20_000, delaysMs: [20_000, 40_000] },
}

/** To see that everything works. Its figures are no measurements. */
export const SHORT: Sizes = {
  form: 'short',
  restMs: 100,
  warmUp: 100,
  rate: { oneByOne: 100, inFlight: 500, bulk: 1000 },
  steady: { rates: [300], seconds: 1 },
  delaysMs: [300, 1000],
  burst: { count: 500, dueInMs: 2000 },
  ceiling: { delayMs: 1000, rates: [200, 400], seconds: 1 },
  waiting: { counts: [300, 1000], probe: 300 },
  kill: { count: 500, delaysMs: [12_000, 20_000] },
}
