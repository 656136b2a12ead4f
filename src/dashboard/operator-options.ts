import type { InnerParts } from '../inner-parts.js'
import type { OperatorOptions } from '../operate/operator-settings.js'
import type { DashboardOptions } from './dashboard-options.js'

/** The options of an operator's work on the broker of a connection. Messages that it sends on wait in a ladder if they wait. */
export function operatorOptions(
  { options }: Pick<InnerParts, 'options'>,
  { management }: Pick<DashboardOptions, 'management'>,
): OperatorOptions {
  const { url, namespace, queueType, topology, name, tls, logger, cancellations } = options
  const { heartbeatSeconds, connectTimeoutMs, publishTimeoutMs, maxInFlight, maxBodyBytes } = options
  return {
    ...{ url, namespace, queueType, topology, name: `${name} dashboard`, tls, logger, cancellations },
    ...{ heartbeatSeconds, connectTimeoutMs, publishTimeoutMs, maxInFlight, maxBodyBytes },
    management: typeof management === 'object' ? [...management] : management,
  }
}
