import { DuequeError } from '../../base/errors.js'
import { lostStream, namedExchange, operationFailure, replyCode, tooLarge } from '../connection/failures.js'
import { countRefusal } from './poison-search.js'
import type { Publication } from './publication.js'

/** What a closed channel means for a publication that was in flight. */
export type ChannelLoss = DuequeError | 'exchange-missing' | 'retry'

/** @param reason RabbitMQ's reason for closing the channel or the connection; undefined after a lost connection */
export function channelLoss(publication: Publication, reason: Error | undefined): ChannelLoss {
  const { exchange, message, plan } = publication
  const stream = lostStream(reason)
  if (stream !== undefined) return stream === plan.stream ? streamMissing(stream, reason) : 'retry'
  const isNamed = namedExchange(reason) === exchange
  const code = replyCode(reason)
  if (code === 403 && isNamed) return operationFailure(reason, `exchange ${exchange}`, 'write')
  if (code === 404 && isNamed) return 'exchange-missing'
  const maxBytes = code === 406 ? maxMessageBytes(reason) : undefined
  if (maxBytes === undefined) return countRefusal(publication, reason) ?? 'retry'
  // The message that was too large is known: the others need no search.
  return message.body.byteLength > maxBytes ? tooLarge(message.body, maxBytes) : 'retry'
}

/** The limit that a message was over, by the broker's own words. rabbit_channel:check_msg_size/3 */
function maxMessageBytes(reason: Error | undefined): number | undefined {
  const digits = /larger than (?:configured )?max(?:imum)? size (\d+)/.exec(reason?.message ?? '')?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function streamMissing(stream: string, cause: unknown): DuequeError<'TOPOLOGY_MISSING'> {
  const message = `RabbitMQ has lost the stream ${stream}, which is still declared: delete the queue, then \`dueque topology apply\` declares it anew`
  return new DuequeError('TOPOLOGY_MISSING', message, { resource: stream }, { cause })
}
