import { checkOptions } from '../base/checks.js'
import type { Logger } from '../base/logger.js'
import { TELEMETRY_RULES, runWrapped, tellConsuming, type Telemetry } from '../telemetry.js'

/** The hooks of `inner` run inside those of `outer`. @throws DuequeError `INVALID_OPTION` */
export function bothTelemetries(
  outer: Required<Omit<Telemetry, 'events'>>,
  inner: Telemetry | undefined,
  logger: Logger,
): Telemetry {
  if (inner === undefined) return outer
  checkOptions(inner, TELEMETRY_RULES, 'telemetry')
  const { events } = inner
  return {
    schedule: (info, headers, run) =>
      outer.schedule(info, headers, () =>
        runWrapped((once) => (inner.schedule ? inner.schedule(info, headers, once) : once()), run, logger),
      ),
    process: (info, run) =>
      outer.process(info, () =>
        runWrapped((once) => (inner.process ? inner.process(info, once) : once()), run, logger),
      ),
    consuming: (consumer) => {
      outer.consuming(consumer)
      tellConsuming(inner, consumer, logger)
    },
    ...(events && { events }),
  }
}
