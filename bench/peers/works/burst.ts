import { setTimeout as sleep } from 'node:timers/promises'
import { spreadOf } from '../../numbers.js'
import { dueAt, warmUps } from '../load.js'
import { PATIENCE_MS, type Work } from './work.js'

export const burst: Work = {
  name: 'burst',
  title: 'Many due at one instant',
  about:
    'All messages are scheduled by the bulk call for one instant, at which a consumer waits for them. Handled a second: from ' +
    'that instant to the last handler.',
  rounds: 3,
  async run({ sizes, entrant, receive }) {
    const { count, dueInMs } = sizes.burst
    const receiver = await receive()
    await entrant.scheduleMany(warmUps(sizes.warmUp, () => dueInMs))
    const instant = Date.now() + dueInMs
    await entrant.scheduleMany(dueAt(count, instant))
    const left = instant - Date.now()
    await sleep(Math.max(0, left))
    const startedBehind = process.cpuUsage()
    await receiver.until(count, PATIENCE_MS, instant)
    const { user, system } = process.cpuUsage(startedBehind)
    const { unique, copies, early, lateness, lastAt, cpuMicros } = await receiver.finish()
    const { p50, max } = spreadOf(lateness)
    return {
      '': {
        'handled /s': (unique / (lastAt - instant)) * 1000,
        p50,
        last: max,
        early,
        lost: count - unique,
        copies: copies - unique,
        'ready before due, s': left / 1000,
        'client CPU µs': (user + system) / count,
        'receiver CPU µs': cpuMicros,
      },
    }
  },
}
