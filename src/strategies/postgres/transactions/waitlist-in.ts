import type { DelayedMessage } from '../../../message/delayed-message.js'
import { entryKey } from '../../waiting-view.js'
import type { TransactionWaitlist } from '../../waitlist.js'
import { isTrue } from '../answer.js'
import type { PostgresWaitlist } from '../postgres-waitlist.js'
import { replaceValues } from '../row.js'
import { assertInside, type Inside } from './caller-transactions.js'

/**
 * The waitlist inside of a transaction of the caller. It takes a row only if no other transaction has locked it, and so waits
 * for none: it can be part of no deadlock, and a row that a relay is claiming is not locked until the caller's commit.
 */
export function waitlistIn(
  { run, xid }: Inside,
  { waiting, channel }: { waiting: PostgresWaitlist; channel: string },
): TransactionWaitlist {
  return {
    find: async (id) => (await waiting.lookUp(id, run)).messages,

    async remove(message: DelayedMessage) {
      const [row] = await run('removeFree', [entryKey(message), xid])
      assertInside(isTrue(row?.[0]))
      return isTrue(row?.[1])
    },

    async replace(message, by) {
      const [row] = await run('replaceFree', [...replaceValues(message, by), channel, xid])
      assertInside(isTrue(row?.[0]))
      return isTrue(row?.[1])
    },
  }
}
