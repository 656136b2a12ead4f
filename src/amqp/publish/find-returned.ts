import type { Message } from 'amqplib'
import { HEADER } from '../../message/headers.js'
import type { Publication } from './publication.js'

/**
 * The publications that a `basic.return` may mean. It comes before the confirm of its message and carries no delivery tag.
 * Each one in flight that may be meant counts as returned: a message that is sent twice is better than the confirm of
 * another one taken for it. Returns are rare, so that a search through the window is fast enough.
 */
export function findReturned({ fields, properties }: Message, inFlight: Iterable<Publication>): Publication[] {
  const { messageId, headers } = properties as { messageId: unknown; headers: Record<string, unknown> | undefined }
  const candidates = [...inFlight].filter(({ exchange }) => exchange === fields.exchange)
  const exact = candidates.filter(
    ({ message: { id, revision } }) => id === messageId && revision === headers?.[HEADER.revision],
  )
  return exact.length > 0 ? exact : candidates
}
