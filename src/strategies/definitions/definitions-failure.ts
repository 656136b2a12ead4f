import { DuequeError, isDuequeError, type ErrorCode } from '../../base/errors.js'
import type { LogLayout } from '../../log/log-layout.js'

const DECLARE = '`dueque topology apply --recurring` declares the stream of definitions'

/** Why definitions cannot be written or read, with what to do about it. */
export function definitionsFailure(error: unknown, { exchange }: LogLayout): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, outcome } = error
  const advice = adviceFor(code, exchange)
  if (advice === undefined) return error
  const text = `the definitions of recurring messages: ${message}. ${advice}`
  if (isDuequeError(error, 'DESTINATION_MISSING'))
    return new DuequeError('TOPOLOGY_MISSING', text, { resource: error.data.destination }, { cause: error, outcome })
  return new DuequeError(code, text, error.data, { cause: error, outcome })
}

function adviceFor(code: ErrorCode, exchange: string): string | undefined {
  const advice: Partial<Record<ErrorCode, string>> = {
    PERMISSION_DENIED: `They are kept in the stream ${exchange}: the user needs the right to read it, to write to the exchange of that name to change them, and to configure both unless topology is 'trust'`,
    DESTINATION_MISSING: DECLARE,
    TOPOLOGY_MISSING: DECLARE,
    TOPOLOGY_MISMATCH:
      'Another program declared it. Delete it if nothing of it is needed, and the next call declares it',
    UNSUPPORTED: 'They need streams; the strategies redis and postgres keep them without',
  }
  return advice[code]
}
