import { checkOne, oneOf } from '../base/checks.js'
import { readyAt } from '../message/delayed-message.js'
import { userHeaders } from '../message/headers.js'
import { receiptOf } from '../message/receipt.js'
import type { JournalledMessage, WaitingView } from '../strategies/waiting-view.js'
import { checkFilter, checkList, cursorOf } from './list-options.js'
import { checkTarget, type ResolvedTarget } from './target.js'
import type { CountUnit, WaitingMessage, WaitingMethods } from './waiting.js'

const SPAN_MS: Record<CountUnit, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** A message of a store can be cancelled until the last moment. */
export const EXACT = 0

/**
 * The methods that look at waiting messages.
 *
 * @param withinMs how long before its time a message can be cancelled for sure
 */
export function viewMethods(
  view: WaitingView,
  withinMs: number,
): Pick<WaitingMethods, 'get' | 'list' | 'count' | 'countBy'> {
  const shown = (message: JournalledMessage) => waitingMessage(message, withinMs)
  return {
    async get(target) {
      const [message] = await findIn(view, checkTarget(target))
      return message && shown(message)
    },
    async list(options = {}) {
      const { filter, after, limit } = checkList(options)
      const messages = await view.list(filter, { after, limit })
      const last = messages.length === limit ? messages.at(-1) : undefined
      return { messages: messages.map(shown), cursor: last && cursorOf(last) }
    },
    async count(filter = {}) {
      return view.count(checkFilter(filter))
    },
    async countBy(unit, filter = {}) {
      checkOne('unit', oneOf('minute', 'hour', 'day'), unit)
      const counts = await view.countBy(checkFilter(filter), SPAN_MS[unit])
      return counts.map(({ from, count }) => ({ from: new Date(from), count }))
    },
  }
}

/** The waiting messages of a receipt or an id, the latest revision first. */
export async function findIn<M extends JournalledMessage>(
  view: Pick<WaitingView<M>, 'find'>,
  { id, revision }: Pick<ResolvedTarget, 'id' | 'revision'>,
): Promise<readonly M[]> {
  const found = await view.find(id)
  return revision === undefined ? found : found.filter((message) => message.revision === revision)
}

/** @param withinMs as of {@link viewMethods} */
export function waitingMessage(message: JournalledMessage, withinMs: number): WaitingMessage {
  const { id, name, body, dueAt, scheduledAt, attempt, headers } = message
  const ready = readyAt(message)
  return {
    id,
    name,
    payload: body && jsonOf(body),
    dueAt: new Date(dueAt),
    readyAt: new Date(ready),
    scheduledAt: new Date(scheduledAt),
    attempt,
    // A retry has those of dueque as well.
    headers: userHeaders(headers),
    // Until then a cancellation has to hold.
    receipt: receiptOf({ ...message, dueAt: ready }, withinMs),
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString()) as unknown
  } catch {
    return undefined
  }
}
