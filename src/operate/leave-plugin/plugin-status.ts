import { texts } from '../../base/checks.js'
import { managementApis } from '../management/api.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { delayedReport, type DelayedExchange, type DelayedReport } from './delayed-exchanges.js'

export interface PluginStatusOptions extends OperatorOptions {
  /** Exchanges of the plugin in the vhost of the URL. @default all, in all vhosts */
  exchanges?: readonly string[] | undefined
}

export interface PluginStatus extends DelayedReport {
  /** Whether no message waits in these exchanges, on any node; false also if a node was not asked or did not say. */
  empty: boolean
  /** Those of the option that are no exchanges of the plugin. */
  missing: readonly string[]
}

/**
 * Counts the messages that wait in the delayed-message plugin, for each exchange. Each node counts its own: name the
 * management API of every one.
 *
 * @throws DuequeError `MANAGEMENT_FAILED`
 */
export async function pluginStatus(options: PluginStatusOptions): Promise<PluginStatus> {
  const settings = operatorSettings(options, { exchanges: texts })
  const report = await delayedReport(managementApis(settings, settings.endpoints))
  const { exchanges: names = [] } = options
  const isMeant = ({ name, vhost }: DelayedExchange, wanted: string) => name === wanted && vhost === settings.vhost
  const exchanges =
    names.length === 0
      ? report.exchanges
      : names.flatMap((name) => report.exchanges.filter((exchange) => isMeant(exchange, name)))
  const missing = names.filter((name) => !exchanges.some((exchange) => isMeant(exchange, name)))
  const empty = report.nodes.notAsked.length === 0 && exchanges.every(({ messages }) => messages === 0)
  return { ...report, exchanges, empty, missing }
}
