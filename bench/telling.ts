import type { ConsumerStats } from 'dueque'
import type { Tally, Tallied } from './tally.js'

export interface Final extends Tallied {
  /** Of dueque's consumer. */
  stats: ConsumerStats | undefined
  /** Of the process, per message. */
  cpuMicros: number
}

export type Told = { is: 'ready' } | { is: 'progress'; unique: number; seen: number } | ({ is: 'final' } & Final)

export interface Receiving {
  stats(): ConsumerStats | undefined
  close(): Promise<void>
}

const PROGRESS_MS = 50

/** In a receiving process that consumes: tells the parent process its progress, and its tally when it is asked to finish. */
export function tellTally(tally: Tally, receiving: Receiving): void {
  const cpuBefore = process.cpuUsage()
  tell({ is: 'ready' })
  const timer = setInterval(() => {
    const { unique, copies } = tally.tallied
    tell({ is: 'progress', unique, seen: copies + (receiving.stats()?.suppressed ?? 0) })
  }, PROGRESS_MS)

  const finish = async () => {
    const { user, system } = process.cpuUsage(cpuBefore)
    const { tallied } = tally
    const stats = receiving.stats()
    await receiving.close()
    const handled = Math.max(1, tallied.copies + tallied.uncounted)
    tell({ is: 'final', ...tallied, stats, cpuMicros: (user + system) / handled })
  }
  process.once('message', () => {
    clearInterval(timer)
    void finish()
  })
}

function tell(told: Told): void {
  process.send?.(told)
}
