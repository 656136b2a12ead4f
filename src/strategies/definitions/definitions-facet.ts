import { DuequeError } from '../../base/errors.js'
import type { RecurringDefinitions } from '../recurring-definitions.js'

/**
 * The facet of a strategy, which is there before the strategy starts: until then, and after its end, each call fails with
 * `CLOSED`.
 */
export function definitionsFacet(
  strategy: string,
  definitions: () => RecurringDefinitions | undefined,
): RecurringDefinitions {
  const open = () => {
    const opened = definitions()
    if (opened) return opened
    throw new DuequeError('CLOSED', `the strategy ${strategy} is not started`, {})
  }
  return {
    write: async (record) => open().write(record),
    get: async (id, least) => open().get(id, least),
    page: async (query) => open().page(query),
    async *all() {
      yield* open().all()
    },
    renew: async (lost) => open().renew?.(lost),
  }
}
