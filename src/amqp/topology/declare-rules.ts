import { DuequeError, invalidOption, shown } from '../../base/errors.js'
import type { Destination } from '../../message/destination.js'
import type { TopologyMode } from './names.js'
import { assertOutside } from './reserved-names.js'

/**
 * Checks a destination as far as its name tells.
 *
 * @param declare whether a missing work queue is to be declared
 * @throws DuequeError `RESERVED_NAME`, `INVALID_OPTION`
 */
export function assertSendable(
  destination: Destination,
  declare: boolean | undefined,
  { namespace, topology }: { namespace: string; topology: TopologyMode },
): void {
  assertOutside(destination, namespace)
  if (!declare) return
  assertDeclares(topology)
  if (destination.queue !== undefined) assertNoDeadQueue(destination.queue)
}

/** @throws DuequeError `INVALID_OPTION` for `declare: true` where nothing is declared */
export function assertDeclares(topology: TopologyMode): void {
  if (topology === 'trust') throw invalidOption('declare', "false with topology: 'trust', which declares nothing", true)
}

/**
 * A dead queue has other arguments than a work queue: declared as one, it could not be the dead queue of another.
 *
 * @throws DuequeError `RESERVED_NAME`
 */
export function assertNoDeadQueue(queue: string): void {
  if (!queue.endsWith('.dead')) return
  const message = `${shown(queue)} is the name of a dead queue, which is not declared as a work queue: declare: false takes an existing one`
  throw new DuequeError('RESERVED_NAME', message, { name: queue })
}
