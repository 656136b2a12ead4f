import { DuequeError, isDuequeError } from '../base/errors.js'
import type { CancellationLayout } from './cancellation-layout.js'

/** Why the cancellation streams cannot be read, with what to do about it. */
export function startFailure(error: unknown, { exchange }: CancellationLayout): unknown {
  if (!isDuequeError(error)) return error
  const { code, message, data } = error
  const advice = adviceFor(code, exchange)
  if (advice === undefined) return error
  const instead = "Or consume with cancellations: 'off', if nothing is cancelled in this namespace"
  return new DuequeError(code, `${message}. ${advice}. ${instead}`, data, { cause: error })
}

function adviceFor(code: DuequeError['code'], exchange: string): string | undefined {
  switch (code) {
    case 'PERMISSION_DENIED':
      return `A consumer reads the streams ${exchange}.*: it needs the right to read them, and to configure them unless topology is 'trust'`
    case 'DESTINATION_MISSING':
    case 'TOPOLOGY_MISSING':
      return '`dueque topology apply` declares the cancellation streams'
    case 'UNSUPPORTED':
      return 'A consumer reads cancellations from streams; the strategies redis and postgres cancel without them'
    default:
      return undefined
  }
}
