import { isUint8Array } from 'node:util/types'
import { DuequeError } from '../../base/errors.js'
import { storedNumber } from '../store/stored-number.js'
import { STORE } from './failures.js'
import type { ScriptRunner } from './script-runner.js'
import { PROBE } from './scripts/server-scripts.js'

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const TIME = '1764000000123456'

/**
 * Whether the client gives back what it was given: bytes, a number as text, and a number.
 *
 * @throws DuequeError `STORE_NOT_READY`
 */
export async function assertUnchanged(scripts: ScriptRunner, keys?: readonly string[]): Promise<void> {
  const reply = await scripts.run(PROBE, [BYTES, TIME], keys)
  if (isUnchanged(reply)) return
  const what = 'the client changes what it sends or answers: a script did not give back the bytes that it was given'
  const mend = 'give dueque a client without transformers or type mappings'
  throw new DuequeError('STORE_NOT_READY', `Redis: ${what}. ${mend}`, { store: STORE })
}

function isUnchanged(reply: unknown): boolean {
  if (!Array.isArray(reply) || reply.length !== 3) return false
  const [bytes, time, count] = reply as unknown[]
  if (!isUint8Array(bytes) || !BYTES.equals(bytes)) return false
  try {
    return isUint8Array(time) && storedNumber(time, STORE) === Number(TIME) && storedNumber(count, STORE) === 2
  } catch {
    return false
  }
}
