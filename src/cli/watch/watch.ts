import { watchStatus, type GoodLook, type WatchOptions } from '../../operate/watch/watch-status.js'
import { Stop } from '../stop.js'
import { plain, type Terminal } from '../terminal.js'
import { Screen } from './screen.js'
import { frameOf, jsonOf, lineOf } from './watch-text.js'

/** Shows look after look until a signal comes: drawn in a terminal, otherwise one line each. */
export async function watch(
  options: WatchOptions & { everyMs: number },
  { rungs }: { rungs: boolean },
  terminal: Terminal,
): Promise<void> {
  const stop = new Stop(terminal)
  const screen = terminal.json ? undefined : Screen.of(process.stdout, process.env)
  stop.signal.addEventListener('abort', () => screen?.leave())
  const frame = {
    everySeconds: options.everyMs / 1000,
    asked: (options.queues ?? []).length > 0,
    rungs,
    times: terminal.times,
  }
  let last: GoodLook | undefined
  let isAway = false
  try {
    // Each failed look says what the log would.
    for await (const look of watchStatus({ ...options, logger: false, signal: stop.signal })) {
      if (!look.error) last = look
      if (terminal.json) await terminal.printJson(jsonOf(look))
      else if (screen) screen.draw(frameOf(look, last!, frame))
      else await terminal.print(plain(lineOf(look, isAway)))
      isAway = look.error !== undefined
    }
  } finally {
    screen?.leave()
    if (!stop.signal.aborted) stop.now('done')
  }
}
