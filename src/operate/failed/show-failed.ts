import { flag } from '../../base/checks.js'
import { operatorSettings, type OperatorOptions } from '../operator-settings.js'
import { idOf, type FailedKind, type FailedSummary } from './failed-kind.js'
import type { TakenMessage } from './failed-queue.js'
import { withFailedQueue } from './with-failed-queue.js'

export interface ShowFailedOptions extends OperatorOptions {
  /** The whole body, instead of its first 1000 bytes. @default false */
  full?: boolean | undefined
}

/** All of one failed message. */
export interface FailedDetails {
  /** Of the body. */
  bytes: number
  exchange: string
  routingKey: string
  properties: Record<string, unknown>
  headers: Record<string, unknown>
  encoding: 'utf8' | 'base64'
  body: string
  /** Whether `body` is only the beginning. */
  cut: boolean
}

/** The part of a body that shows what it is. */
export const BODY_BYTES = 1000

/**
 * Looks for one failed message. Of copies it shows the first.
 *
 * @returns undefined if there is no message with this id
 * @throws DuequeError `DESTINATION_MISSING` if there is no such queue, `PERMISSION_DENIED`; as `connect` does
 */
export async function showFailed<S extends FailedSummary>(
  kind: FailedKind<S>,
  id: string,
  options: ShowFailedOptions = {},
): Promise<{ summary: S; details: FailedDetails } | undefined> {
  const settings = operatorSettings(options, { full: flag })
  const message = await withFailedQueue(settings, kind, async (queue) => {
    for await (const one of queue.messages()) if (idOf(one) === id) return one
    return undefined
  })
  return message && { summary: kind.summaryOf(message), details: detailsOf(message, options.full ?? false) }
}

function detailsOf({ body, exchange, routingKey, headers, properties }: TakenMessage, full: boolean): FailedDetails {
  const cut = !full && body.byteLength > BODY_BYTES
  return {
    bytes: body.byteLength,
    exchange,
    routingKey,
    properties: Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)),
    headers: { ...headers },
    ...textOfBody(body, cut),
    cut,
  }
}

/** @param cut whether it is only the beginning */
export function textOfBody(body: Uint8Array, cut: boolean): Pick<FailedDetails, 'encoding' | 'body'> {
  const part = cut ? body.subarray(0, BODY_BYTES) : body
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    // Where the body is cut, a character may be cut as well.
    return { encoding: 'utf8', body: decoder.decode(part, { stream: cut }) }
  } catch {
    return { encoding: 'base64', body: Buffer.from(part).toString('base64') }
  }
}
