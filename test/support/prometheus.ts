import { prometheusPrograms } from '../../scripts/services/find-prometheus.js'
import { PrivatePrometheus, type PrivatePrometheusOptions } from '../../scripts/services/private-prometheus.js'

/** The reason to skip a test if {@link startPrometheus} returns undefined. */
export const NO_PROMETHEUS = 'no prometheus on the PATH'

/** A private Prometheus; end it with `stop`. Undefined if it is missing and cannot be installed: then the test is skipped. */
export async function startPrometheus(
  targets: PrivatePrometheusOptions['targets'],
): Promise<PrivatePrometheus | undefined> {
  const programs = await prometheusPrograms()
  return programs === undefined ? undefined : PrivatePrometheus.start({ programs, targets })
}
