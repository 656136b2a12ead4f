import { DuequeError, shown } from '../../base/errors.js'
import type { Session } from './database.js'
import type { Statements } from './statements.js'

const TEXT = ' \\x41 {"a":"\\u0000",NULL} é 日 😀\n1 '
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('hex')
const TIME = '1764000000123456'

/**
 * Whether the client gives back what it was given: a text, bytes, a number and nothing.
 *
 * @throws DuequeError `STORE_NOT_READY`
 */
export async function assertUnchanged(session: Session, { probe }: Pick<Statements, 'probe'>): Promise<void> {
  const [row = []] = await session.query(probe, [TEXT, `\\x${BYTES}`, TIME, null])
  for (const [i, expected] of [TEXT, BYTES, TIME, null].entries()) {
    if (row[i] === expected) continue
    const what = `the client changes what it sends or reads: expected ${shown(expected)} back, got ${shown(row[i])}`
    const mend = 'give dueque a client without parsers or transformations for text'
    throw new DuequeError('STORE_NOT_READY', `postgres: ${what}. ${mend}`, { store: 'postgres' })
  }
}
