import type { History } from '../../scripts/checker/history.js'
import { soaked } from './process.js'
import { queueOf, type Kind } from './queues.js'
import type { Ways } from './ways.js'

/** From the call of `set` to the first time: ticks go a minute ahead of occurrences, so that the first ones come at once. */
const AHEAD_MS = 15_000
/** Of each strategy. */
const SCHEDULES = 2
const EVERY_MS = 1000

/** A recurring schedule of the run: one occurrence each second, a limited number of them. */
interface Recurrence {
  kind: Kind
  id: string
  setAt: number
  from: number
  limit: number
}

/** Recurring schedules whose occurrences are all in the run. */
export class Occurrences {
  readonly #set: Recurrence[] = []

  /** Resolves when all are set. @param seconds of the run */
  async start(ways: Ways, kinds: readonly Kind[], seconds: number): Promise<void> {
    const limit = Math.max(1, seconds - Math.ceil(AHEAD_MS / 1000))
    const setting = kinds.flatMap((kind) =>
      Array.from({ length: SCHEDULES }, async (_, i) => {
        const [id, setAt] = [`every-second-${kind}-${i}`, Date.now()]
        const from = setAt + AHEAD_MS
        await ways[kind]!.recurring.set(id, {
          message: soaked,
          payload: { k: 0 },
          to: { queue: queueOf(kind) },
          every: EVERY_MS,
          from: new Date(from),
          limit,
          catchUp: 'all',
        })
        this.#set.push({ kind, id, setAt, from, limit })
      }),
    )
    await Promise.all(setting)
  }

  get count(): number {
    return this.#set.reduce((sum, { limit }) => sum + limit, 0)
  }

  /** Each occurrence as a message that was confirmed, by the ticker. */
  enter(history: History): void {
    for (const { id, setAt, from, limit } of this.#set) {
      for (let i = 0; i < limit; i++) {
        const due = from + i * EVERY_MS
        const key = `${id}@${new Date(due).toISOString()}`
        history.tried(key, { process: 'ticker', at: setAt, due })
        history.settled(key, 'confirmed')
      }
    }
  }
}
