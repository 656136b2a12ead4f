import { useContext, useEffect } from 'preact/hooks'
import { durationText } from '../../../base/duration-text.js'
import { LiveContext } from '../data/live-context.js'
import { useTicking } from '../data/use-ticking.js'
import { announce } from './announcer.js'

/** Says when the server of the dashboard is gone, and when the next try is. */
export function ConnectionBar() {
  const { connection, tryNow } = useContext(LiveContext)
  const { state, nextTryAt = 0 } = connection
  const isLost = state === 'lost'
  useEffect(() => {
    if (isLost) announce('The server of the dashboard does not answer. What is shown may be old.')
    return isLost ? () => announce('The server of the dashboard answers again.') : undefined
  }, [isLost])
  const pause = useTicking(() => Math.max(0, Math.ceil((nextTryAt - Date.now()) / 1000)), [nextTryAt])
  if (!isLost) return null
  return (
    <div class="connection-bar">
      <span>
        The server of the dashboard does not answer. What is shown may be old. Next try{' '}
        {pause === 0 ? 'now' : `in ${durationText(pause * 1000)}`}.
      </span>
      <button type="button" onClick={tryNow}>
        Try now
      </button>
    </div>
  )
}
