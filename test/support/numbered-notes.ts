import type { Dueque } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

/** Schedules notes with delays of up to 3 s, numbered from `from`, over few rungs. */
export function scheduleNotes(mq: Dueque, queue: string, count: number, from: number) {
  const delay = () => 500 * Math.floor(7 * Math.random())
  const schedule = (n: number) => mq.schedule(note, { n }, { to: { queue }, in: delay(), declare: true })
  return Promise.all(Array.from({ length: count }, (_, i) => schedule(from + i)))
}

export const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

export const ascending = (a: number, b: number) => a - b
