/** A line of the journal: the stream by its number, the offset of the message in it, and the line of that message. */
export interface Place {
  readonly stream: number
  readonly offset: number
  readonly line: number
}
