import { checkNames } from '../base/checks.js'
import { invalidOption } from '../base/errors.js'
import { checkDefinition, type MessageDefinition } from '../message/definition.js'
import type { Destination } from '../message/destination.js'
import type { Due } from '../message/due.js'
import { SEND_OPTIONS, type ScheduleOptions, type SendOptions } from './schedule-options.js'
import type { ResolvedTarget } from './target.js'

/** What a rescheduled message holds from now on: as the arguments of `schedule`, all of it. */
export interface RescheduleContent<In = unknown> {
  message: MessageDefinition<In, unknown>
  payload: In
  options?: RescheduleOptions | undefined
}

/**
 * As the options of `schedule`. Id and due time are arguments of `reschedule`. With a store, `declare` has no effect, since the
 * destination stays, and `signal` is looked at before anything is changed.
 */
export interface RescheduleOptions extends SendOptions {
  /**
   * A queue, or an exchange with a routing key. Needed if the target is no receipt. A message that waits in a store keeps
   * its destination.
   * @default the destination of the receipt
   */
  to?: Destination | undefined
}

const DUE: Record<keyof Due, true> = { in: true, at: true }
const CONTENT: Record<keyof RescheduleContent, true> = { message: true, payload: true, options: true }
const OPTIONS: Record<keyof RescheduleOptions, true> = { ...SEND_OPTIONS, to: true }

/** @throws DuequeError `INVALID_OPTION` */
export function checkDueNames(due: Due): void {
  checkNames(due, DUE, 'due')
}

/**
 * The schedule of the new copy.
 *
 * @param fallback the destination of a content without `to`
 * @throws DuequeError `INVALID_OPTION`
 */
export function rescheduled<In>(
  { message, payload, options = {} }: RescheduleContent<In>,
  { id }: Pick<ResolvedTarget, 'id'>,
  due: Due,
  fallback: Destination | undefined,
): { message: MessageDefinition<In, unknown>; payload: In; options: ScheduleOptions } {
  const { to = fallback } = options
  if (to === undefined)
    throw invalidOption('content.options.to', 'a destination, because the target is no receipt', undefined)
  return { message, payload, options: { ...options, ...due, to, id } }
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkContent(content: RescheduleContent<never>): void {
  checkNames(content, CONTENT, 'content')
  checkDefinition(content.message, 'content.message')
  if (content.options !== undefined) checkNames(content.options, OPTIONS, 'content.options')
}
