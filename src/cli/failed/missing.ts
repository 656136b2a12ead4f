import { Names } from '../../amqp/topology/names.js'
import { isDuequeError } from '../../base/errors.js'
import { resolveOptions } from '../../options.js'
import { CommandError } from '../exit.js'
import { connectOptions, type Settings } from '../settings.js'
import type { Terminal } from '../terminal.js'
import type { FailedSummary } from '../../operate/failed/failed-kind.js'
import type { FailedGroup } from './group.js'

/** Explains a missing queue. @throws CommandError `QUEUE_MISSING`, and the errors of the work */
export async function orQueueMissing<T, S extends FailedSummary>(
  work: Promise<T>,
  group: FailedGroup<S>,
  args: readonly string[],
  settings: Settings,
  terminal: Terminal,
): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isDuequeError(error, 'DESTINATION_MISSING')) throw error
    const name = queueOf(group, args, settings, terminal)
    throw new CommandError('QUEUE_MISSING', `there is no queue ${name}: ${group.missing(args)}`, error)
  }
}

export function queueOf<S extends FailedSummary>(
  group: FailedGroup<S>,
  args: readonly string[],
  settings: Settings,
  terminal: Terminal,
): string {
  const { namespace } = resolveOptions(connectOptions(settings, terminal))
  return group.kindOf(args).queueOf(new Names(namespace))
}

export function notFound(ids: readonly string[], queue: string): CommandError {
  const quoted = ids.map((id) => JSON.stringify(id)).join(', ')
  return new CommandError('NOT_FOUND', `no message with id ${quoted} in ${queue}`)
}
