import { DuequeError, isDuequeError } from '../base/errors.js'
import type { LogLayout } from '../log/log-layout.js'

/**
 * Why the cancellation streams cannot be read, with what to do about it.
 *
 * @param otherwise what else can be done
 */
export function startFailure(error: unknown, { exchange }: LogLayout, otherwise: string | undefined): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const advice = adviceFor(code, exchange)
  if (advice === undefined) return error
  const text = [message, advice, ...(otherwise === undefined ? [] : [otherwise])].join('. ')
  if (isDuequeError(error, 'DESTINATION_MISSING'))
    return new DuequeError('TOPOLOGY_MISSING', text, { resource: error.data.destination }, { cause: error })
  return new DuequeError(code, text, data, { cause: error })
}

const DECLARE = '`dueque topology apply` declares the cancellation streams'

function adviceFor(code: DuequeError['code'], exchange: string): string | undefined {
  const advice: Partial<Record<typeof code, string>> = {
    PERMISSION_DENIED: `Cancellations are read from the streams ${exchange}.*: the user needs the right to read them, and to configure them unless topology is 'trust'`,
    DESTINATION_MISSING: DECLARE,
    TOPOLOGY_MISSING: DECLARE,
    TOPOLOGY_MISMATCH:
      'Another program declared it. Delete it if nothing of it is needed, and the next start declares it',
    UNSUPPORTED: 'Cancellations are read from streams; the strategies redis and postgres cancel without them',
  }
  return advice[code]
}
