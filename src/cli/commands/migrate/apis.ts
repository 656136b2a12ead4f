import type { Option } from 'commander'
import { parseEndpoints, type Endpoint } from '../../../amqp/connection/endpoint.js'
import { managementAt, managementBeside, type ManagementApi } from '../../management.js'
import { collect, managementOption } from '../../settings.js'

/** For a cluster once for each node. */
export interface ManagementOptions {
  management?: string[]
}

export function managementOfEachNode(): Option {
  const option = managementOption().argParser(collect)
  option.description += '. For a cluster once for each node'
  return option
}

/** The APIs that were named, or those beside the broker's nodes. */
export function apisOf({ management = [] }: ManagementOptions, url: string | readonly string[]): ManagementApi[] {
  const endpoints = parseEndpoints(url) as [Endpoint, ...Endpoint[]]
  if (management.length > 0) return [management].flat().map((one) => managementAt(one, endpoints[0]))
  return endpoints.map(managementBeside)
}
