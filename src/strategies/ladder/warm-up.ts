import { errorText, isDuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { LadderDeclarer } from './ladder-declarer.js'
import { rungKey } from './path-keys.js'
import { rungsOfUnit, UNITS, type Rung, type RungQueue, type RungVariant, type Unit } from './rungs.js'

/** So many missing rungs of one unit show that the program's delays are not a fixed few. */
const ENOUGH = 3
/** A delay of so many rungs was computed, not written by hand, so each of its rungs counts as two. One delay is never enough. */
const MANY_RUNGS = 3
/** Longer delays are rare, so their rungs are declared last. */
const MONTH_MS = 31 * 86_400_000

/** The rungs that were missing in one unit. */
interface Missing {
  readonly rungs: Set<Rung>
  count: number
  isWarm: boolean
}

/**
 * Declares all rungs of a unit in the background once a few of them were missing. Otherwise each of hundreds of first
 * messages would wait for its own rungs: docs/decisions/039-the-ladder-warms-up.md.
 */
export class WarmUp {
  readonly #declarer: Pick<LadderDeclarer, 'ahead'>
  readonly #logger: Logger
  /** Rungs below it are not used. */
  readonly #stepMs: number
  /** By variant and unit. */
  readonly #missing = new Map<string, Missing>()
  #isStopped = false

  constructor(declarer: Pick<LadderDeclarer, 'ahead'>, logger: Logger, stepMs: number) {
    this.#declarer = declarer
    this.#logger = logger
    this.#stepMs = stepMs
  }

  /**
   * @param missed the rungs on the route of one message that were missing
   * @param all the number of rungs on that route
   */
  missed(missed: readonly RungQueue[], all: number): void {
    for (const { rung, variant } of missed) {
      const missing = this.#of(rung.unit, variant)
      if (missing.rungs.has(rung)) continue
      missing.rungs.add(rung)
      missing.count += all >= MANY_RUNGS ? 2 : 1
    }
    for (const { variant } of missed) this.#look(variant)
  }

  stop(): void {
    this.#isStopped = true
  }

  #look(variant: RungVariant): void {
    const cold = UNITS.filter((unit) => !this.#of(unit, variant).isWarm)
    if (this.#isStopped || !cold.some((unit) => this.#of(unit, variant).count >= ENOUGH)) return
    // A unit that lacks only one more joins in.
    const units = cold.filter((unit) => this.#of(unit, variant).count >= ENOUGH - 1)
    for (const unit of units) this.#of(unit, variant).isWarm = true
    void this.#declare(this.#rungsOf(units), variant)
  }

  #of(unit: Unit, { type, shard }: RungVariant): Missing {
    const key = `${type} ${shard} ${unit.name}`
    const known = this.#missing.get(key)
    if (known) return known
    const missing = { rungs: new Set<Rung>(), count: 0, isWarm: false }
    this.#missing.set(key, missing)
    return missing
  }

  /** In the order in which they are declared. */
  #rungsOf(units: readonly Unit[]): Rung[] {
    const isRare = ({ ttlMs }: Rung) => Number(ttlMs > MONTH_MS)
    return units
      .flatMap((unit) => rungsOfUnit(unit).filter(({ ttlMs }) => ttlMs % this.#stepMs === 0))
      .sort((a, b) => isRare(a) - isRare(b) || a.digit - b.digit)
  }

  *#untilStopped(rungs: readonly Rung[]): Generator<Rung> {
    for (const rung of rungs) {
      if (this.#isStopped) return
      yield rung
    }
  }

  async #declare(rungs: readonly Rung[], variant: RungVariant): Promise<void> {
    const [first, last] = [rungs[0]!, rungs.at(-1)!]
    const names = { from: rungKey(first, variant), to: rungKey(last, variant), rungs: rungs.length }
    this.#logger.debug('declaring rungs ahead', names)
    try {
      await this.#declarer.ahead(this.#untilStopped(rungs), variant)
    } catch (error) {
      if (this.#isStopped || isDuequeError(error, 'CLOSED')) return
      this.#logger.info('could not declare rungs ahead: each is declared when it is needed', {
        ...names,
        error: errorText(error),
      })
    }
  }
}
