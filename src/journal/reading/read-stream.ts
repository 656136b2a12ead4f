import type { StreamReader } from '../../amqp/receive/stream.js'
import { DuequeError } from '../../base/errors.js'
import type { Horizon } from '../../log/horizons.js'
import { reachesEnd } from '../../log/reaches-end.js'
import type { MessageLogKind } from '../../log/log-layout.js'

/** A stream of the journal or of the cancellations, and how far it is read. */
export class ReadStream {
  /** Undefined if there is no such stream. */
  reader: StreamReader | undefined
  messages = 0
  records = 0
  /** The offset of the last record since the reader has lost its place; of all, the greatest. */
  last = -1
  most = -1
  /** Why it could not be read for a while. */
  failure: DuequeError | undefined

  constructor(
    readonly kind: MessageLogKind,
    readonly horizon: Horizon,
    readonly number: number,
    readonly name: string,
  ) {}

  /** However long the stream is: as long as it comes. */
  async reached(silentMs: number): Promise<void> {
    if (!this.reader) return
    if (!(await reachesEnd(this.reader, () => this.messages, silentMs)))
      throw this.silent('sent nothing before its end', silentMs)
    this.failure = undefined
  }

  silent(what: string, ms: number): DuequeError<'BROKER_ERROR'> {
    const { name, failure } = this
    const why = failure ? `: ${failure.message}` : ''
    return new DuequeError(
      'BROKER_ERROR',
      `${name} ${what} for ${ms / 1000} s${why}`,
      { replyCode: undefined },
      { cause: failure },
    )
  }
}
