import type { StreamReader } from '../amqp/receive/stream.js'
import { endsWithin } from '../base/time-limit.js'

/**
 * Whether a reader comes to the end that its stream has at the time of the call: however long the stream is, as long as records
 * come.
 *
 * @param read counts the records that have come
 * @param silentMs without a record for so long it is given up
 * @throws DuequeError `CLOSED`
 */
export async function reachesEnd(
  reader: Pick<StreamReader, 'reached'>,
  read: () => number,
  silentMs: number,
): Promise<boolean> {
  const over = new AbortController()
  const reached = reader.reached(over.signal)
  for (let before = NaN; before !== read();) {
    before = read()
    if (await endsWithin(reached, silentMs)) return true
  }
  // Questions of a long outage would all look for the end at once when it is over.
  over.abort()
  return false
}
