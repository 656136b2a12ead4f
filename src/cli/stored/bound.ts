import { parseEndpoints } from '../../amqp/connection/endpoint.js'
import { destinationKey, Names } from '../../amqp/topology/names.js'
import type { Destination } from '../../message/destination.js'
import type { ResolvedOptions } from '../../options.js'
import { askManagement } from '../../operate/management/api.js'
import { bindingsFrom } from '../../operate/management/resources.js'

/**
 * Tells which destinations are bound in a namespace, as the management API has it, which is asked once. AMQP does not show
 * it.
 *
 * @param named the URL of the API, if it was given
 */
export function boundIn({ namespace, url }: ResolvedOptions, named: string | undefined) {
  let keys: Promise<ReadonlySet<string> | undefined> | undefined
  const { deliver } = new Names(namespace)
  const look = async () => {
    const found = await askManagement({ management: named }, parseEndpoints(url), async (api, { vhost }) => {
      return new Set((await bindingsFrom(api, vhost, deliver)).map(({ key }) => key))
    })
    return 'answer' in found ? found.answer : undefined
  }
  return async (destination: Destination): Promise<boolean | undefined> => {
    keys ??= look()
    return (await keys)?.has(destinationKey(destination))
  }
}
