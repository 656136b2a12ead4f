import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { openStream, type StreamRecord } from '../../amqp/receive/stream.js'
import { DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { readLines } from '../../log/lines.js'
import { reachesEnd } from '../../log/reaches-end.js'
import type { DefinitionRecord } from '../recurring-definitions.js'
import { decodeDefinitionLine } from './definition-line.js'

/** Without another record for so long before its end, a stream is given up. */
export const SILENT_MS = 30_000

export interface DefinitionReplay {
  connection: AmqpConnection
  stream: string
  logger: Logger
  /** @param at when it was written, in milliseconds since the epoch */
  onRecord: (record: DefinitionRecord, at: number) => void
  /** Called with each record of the stream, before its lines. */
  onStreamRecord?: ((record: StreamRecord) => void) | undefined
  /** Called for each line that is no record. */
  onUnreadable?: ((error: Error) => void) | undefined
  /** Ends it with `CLOSED`. */
  closing?: AbortSignal | undefined
}

/**
 * Reads every record that a stream of definitions has, the first one first. Nothing is declared.
 *
 * @throws DuequeError `DESTINATION_MISSING` if there is no such stream, `RECURRING_UNREAD`, `PERMISSION_DENIED`, `CLOSED`
 */
export async function replayDefinitions(replay: DefinitionReplay): Promise<void> {
  const { connection, stream, logger, onRecord, onStreamRecord, onUnreadable = () => undefined, closing } = replay
  let failure: DuequeError | undefined
  let last = -1
  const reader = await openStream({
    connection,
    queue: stream,
    from: 0,
    onRecord: (streamRecord) => {
      const { body, offset, writtenAt = Date.now() } = streamRecord
      // After a lost connection records come again.
      if (offset <= last) return
      last = offset
      onStreamRecord?.(streamRecord)
      readLines(body, (line) => onRecord(decodeDefinitionLine(line), writtenAt), onUnreadable)
    },
    onError: (error) => (failure = error),
    logger,
    closing,
  })
  try {
    if (!(await reachesEnd(reader, () => last, SILENT_MS))) throw definitionsUnread(stream, failure)
  } finally {
    await reader.close()
  }
}

export function definitionsUnread(stream: string, cause: DuequeError | undefined): DuequeError<'RECURRING_UNREAD'> {
  const why = cause ? `: ${cause.message}` : ''
  const message = `the definitions of recurring messages cannot be read: ${stream} sent nothing before its end for ${SILENT_MS / 1000} s${why}. \`dueque doctor\` looks for the cause`
  return new DuequeError('RECURRING_UNREAD', message, {}, { cause })
}
