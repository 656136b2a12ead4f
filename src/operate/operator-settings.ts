import { parseEndpoints, type Endpoint } from '../amqp/connection/endpoint.js'
import { Names } from '../amqp/topology/names.js'
import { checkOptions, type Rule } from '../base/checks.js'
import { CONNECT_RULES, resolveConnection, type ConnectOptions, type ResolvedOptions } from '../options.js'
import { isHttpUrl } from './http.js'
import type { ManagementOption } from './management/api.js'

/** What everything that an operator does takes: the options of `connect`, and the management API. */
export interface OperatorOptions extends ConnectOptions, ManagementOption {}

export interface OperatorSettings extends ResolvedOptions, ManagementOption {
  endpoints: readonly Endpoint[]
  /** Of the first endpoint. */
  vhost: string
  names: Names
}

/** Called again and again while a long work goes on: how much of it is done. */
export type OnProgress = (done: number, whole: number) => void

const aManagementUrl: Rule = (value) => {
  const urls = value === false ? [] : [value].flat()
  return urls.every((one) => typeof one === 'string' && isHttpUrl(one))
    ? undefined
    : 'a URL such as http://localhost:15672, or several'
}

/**
 * @param rules for the options of the work itself
 * @throws DuequeError `INVALID_OPTION`
 */
export function operatorSettings(
  options: OperatorOptions,
  rules: Readonly<Record<string, Rule>> = {},
): OperatorSettings {
  checkOptions(options, { ...CONNECT_RULES, management: aManagementUrl, ...rules })
  const resolved = resolveConnection(options)
  const endpoints = parseEndpoints(resolved.url)
  const { management } = options
  return { ...resolved, management, endpoints, vhost: endpoints[0]!.vhost, names: new Names(resolved.namespace) }
}
