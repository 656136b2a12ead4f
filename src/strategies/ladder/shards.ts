import { UNITS, type Rung } from './rungs.js'

/**
 * From a minute on, the shards of a rung take turns in time: the even ones take messages for the time that the rung waits, then the odd
 * ones. So a queue hands nothing over while it takes messages. RabbitMQ 4.3 needs that when very many wait:
 * docs/decisions/068-shards-take-turns.md.
 */
const FIRST_UNIT = UNITS.findIndex(({ name }) => name === 'm')
const UNITS_IN_TURNS = UNITS.length - FIRST_UNIT
/** A number below {@link SHARD_CHOICES} for each choice: a bit for each unit whose rungs take turns, and a place of 64. */
export const SHARD_CHOICES = 64 << UNITS_IN_TURNS

/**
 * What decides about the shard of each rung of a wait.
 *
 * @param sum of the rungs, in ms
 * @param turn from 0, below the number of shards
 * @param end of the wait, in milliseconds since the epoch
 */
export function shardChoice(sum: number, turn: number, end: number): number {
  let [rest, enters, bits] = [sum, end, 0]
  for (let i = UNITS.length - 1; i >= FIRST_UNIT; i--) {
    const { stepMs } = UNITS[i]!
    const ttlMs = rest - (rest % stepMs)
    rest -= ttlMs
    if (ttlMs === 0) continue
    enters -= ttlMs
    bits |= (Math.floor(enters / ttlMs) & 1) << (i - FIRST_UNIT)
  }
  return (bits << 6) + turn
}

/** The shard of a rung. @param choice of {@link shardChoice} */
export function shardOf(rung: Rung, choice: number, shards: number): number {
  const turn = choice % 64
  const place = UNITS.indexOf(rung.unit) - FIRST_UNIT
  if (shards === 1 || place < 0) return turn
  const first = ((choice >> 6) >> place) & 1
  return first + 2 * (turn % Math.ceil((shards - first) / 2))
}
