import type { Activity } from './activity.js'
import { machineTime, pause, turn } from './real-time.js'

/**
 * Resolves when everything that has begun is over, or needs the time to move on.
 *
 * @throws DuequeError `CLOCK_STUCK` if nothing begins or ends for `patienceMs`
 */
export async function settled(activity: Activity, patienceMs: number): Promise<void> {
  let { changes } = activity
  let since = machineTime()
  for (let turns = 0; ; turns++) {
    await turn()
    if (!activity.isBusy) return
    if (activity.changes !== changes) {
      ;({ changes } = activity)
      since = machineTime()
      turns = 0
    } else if (machineTime() - since >= patienceMs) return activity.giveUp(patienceMs)
    // It waits for something outside, and need not be asked at each turn.
    if (turns > 100) await pause(1)
  }
}
