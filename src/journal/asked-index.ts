import type { JournalledMessage } from '../strategies/waiting-view.js'
import type { PlacedMessages } from './placed-messages.js'
import type { FoundEntry, WaitingIndex } from './waiting/waiting-index.js'

/** An index in which everything is that was in the streams when the question came. */
export interface AskedIndex {
  readonly index: WaitingIndex
  readonly messages: PlacedMessages
  /** Called if entries of the index are not in their streams any more. */
  readonly onGone?: (() => void) | undefined
}

/** The whole messages of entries. RabbitMQ may have deleted the oldest records of a stream: then others are found. */
export async function wholeMessages(
  { index, messages, onGone }: AskedIndex,
  find: (index: WaitingIndex) => FoundEntry[],
): Promise<JournalledMessage[]> {
  for (;;) {
    const found = find(index)
    const read = await messages.at(found)
    const gone = found.filter((_, i) => !read[i])
    if (gone.length === 0) return read as JournalledMessage[]
    onGone?.()
    for (const { place } of gone) index.dropUpTo(place.stream, place.offset)
  }
}
