import { counted } from '../../base/counted.js'
import { Layout } from '../../amqp/topology/layout.js'
import { flag, nonEmptyText } from '../../base/checks.js'
import { DuequeError } from '../../base/errors.js'
import { dueExchange, entryParts, intakeQueue } from '../../forwarding/intake-parts.js'
import { managementApis, type ManagementApi } from '../management/api.js'
import { assertOwnBroker } from '../management/same-broker.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { applyParts, withDeclarer } from '../topology/parts.js'
import { delayedReport, exchangeWithBindings, lackingBindings, type ExchangeWithBindings } from './delayed-exchanges.js'

export interface SwitchExchangeOptions extends OperatorOptions {
  /** The exchange that gets due messages. @default the exchange's name, and `.due` */
  to?: string | undefined
  /** Looks whether it can be done, and changes nothing. @default false */
  dryRun?: boolean | undefined
}

/** The entry of an intake that took the place of an exchange of the plugin. */
export interface SwitchedExchange {
  exchange: string
  /** The intake's queue behind it. */
  queue: string
  to: string
}

/**
 * Replaces an empty exchange of the delayed-message plugin by the entry of an intake, of the same name. A message that is
 * published between the count and the deletion is lost with the exchange: stop the producers first.
 *
 * @throws DuequeError `NOT_EMPTY` if messages wait in it, or a node was not asked; `BINDING_MISSING` if `to` lacks a binding
 * of the exchange; `INVALID_OPTION` if it is no exchange of the plugin; `MANAGEMENT_FAILED`, also for the API of another
 * broker; `PERMISSION_DENIED`
 */
export async function switchExchange(exchange: string, options: SwitchExchangeOptions = {}): Promise<SwitchedExchange> {
  const settings = operatorSettings(options, { to: nonEmptyText, dryRun: flag })
  const { to = dueExchange(exchange), dryRun } = options
  const { vhost, names } = settings
  const apis = managementApis(settings, settings.endpoints)
  await assertOwnBroker(apis, settings)
  const old = await exchangeWithBindings(apis[0], vhost, exchange)
  if (old.type !== 'x-delayed-message') throw noPluginExchange(exchange, old.type)
  assertBound(exchange, old, to, await exchangeWithBindings(apis[0], vhost, to))
  const layout = new Layout(names, settings.queueType)
  const queue = intakeQueue(exchange)
  if (dryRun) {
    await assertEmpty(apis, vhost, exchange)
    return { exchange, queue, to }
  }
  const [entry, ...bindings] = [...entryParts(names, exchange), ...old.before]
  await withDeclarer(settings, async (declarer) => {
    await applyParts(declarer, [...layout.base(), ...layout.workQueue(queue)], { workQueues: [queue] })
    await assertEmpty(apis, vhost, exchange)
    await declarer.delete(entry)
    await applyParts(declarer, [entry, ...bindings], { workQueues: [] })
  })
  return { exchange, queue, to }
}

function noPluginExchange(exchange: string, type: string): DuequeError {
  const message = `${exchange} is no exchange of the plugin: it is a ${type}`
  return new DuequeError('INVALID_OPTION', message, { option: 'exchange' })
}

/** @throws DuequeError `BINDING_MISSING` */
function assertBound(exchange: string, old: ExchangeWithBindings, to: string, due: ExchangeWithBindings): void {
  const lacking = lackingBindings(old, due)
  if (lacking.length === 0) return
  const which = lacking.map(({ name, key }) => `${name} by "${key}"`).join(', ')
  const bindings = lacking.map(({ to: kind, name, key }) => ({ to: kind, name, key }))
  throw new DuequeError(
    'BINDING_MISSING',
    `${to} lacks bindings of ${exchange} (dueque plugin copy ${exchange}): ${which}`,
    { exchange: to, bindings },
  )
}

/** @throws DuequeError `NOT_EMPTY`, also if a node was not asked or did not say */
async function assertEmpty(apis: readonly ManagementApi[], vhost: string, exchange: string): Promise<void> {
  const { exchanges, nodes } = await delayedReport(apis)
  const messages = exchanges.find((one) => one.vhost === vhost && one.name === exchange)?.messages ?? null
  if (messages === 0 && nodes.notAsked.length === 0) return
  const wait = ['message waits', 'messages wait'] as const
  const count = messages === null ? `an unknown number of ${wait[1]}` : counted(messages, ...wait)
  const what = messages === 0 ? `${nodes.notAsked.join(', ')} was not asked (--management)` : `${count} in it`
  const message = `${exchange} stays as it is: ${what}; they would be lost`
  throw new DuequeError('NOT_EMPTY', message, { resource: `exchange ${exchange}`, messages })
}
