import type { Dueque } from '../../src/index.js'
import { note } from '../strategies/recorder.js'

/**
 * Resolves when the rungs for delays between these are declared, and so old that their confirms are not held back. On a busy
 * machine that may take longer than a test has until its messages are due.
 */
export async function warmUp(mq: Dueque, fromMs: number, toMs: number): Promise<void> {
  const delays = Array.from({ length: 150 }, () => fromMs + Math.floor(Math.random() * (toMs - fromMs)))
  await Promise.all(
    delays.map((delay) => mq.schedule(note, { n: -1 }, { to: { queue: 'warm-up' }, in: delay, declare: true })),
  )
}
