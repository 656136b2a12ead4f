import { destinationKey } from '../../amqp/topology/names.js'
import type { Destination } from '../../message/destination.js'
import { askManagement } from '../management/api.js'
import { bindingsFrom } from '../management/resources.js'
import type { OperatorSettings } from '../operator-settings.js'

/**
 * Tells which destinations are bound in a namespace. The management API knows, and is asked once; AMQP does not show it.
 *
 * @returns a function that resolves to undefined if there is no management API
 */
export function namespaceBindings(settings: OperatorSettings) {
  let keys: Promise<ReadonlySet<string> | undefined> | undefined
  const look = async () => {
    const found = await askManagement(settings, settings.endpoints, async (api, { vhost }) => {
      const bindings = await bindingsFrom(api, vhost, settings.names.deliver)
      return new Set(bindings.map(({ key }) => key))
    })
    return 'answer' in found ? found.answer : undefined
  }
  return async (destination: Destination): Promise<boolean | undefined> => {
    keys ??= look()
    return (await keys)?.has(destinationKey(destination))
  }
}
