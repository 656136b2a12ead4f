import { readyAt } from '../../message/delayed-message.js'
import { DestinationCounts } from '../destination-counts.js'
import {
  comparePositions,
  fits,
  positionOf,
  spanCounts,
  type JournalledMessage,
  type WaitingView,
} from '../waiting-view.js'

/** Looks at messages in memory. @param all called each time, in any order */
export function memoryView<M extends JournalledMessage>(all: () => readonly M[]): WaitingView<M> {
  const fitting: (filter: Parameters<WaitingView['count']>[0]) => M[] = (filter) =>
    all().filter((message) => fits(filter, message))
  return {
    find: (id) => Promise.resolve(withId(all(), id)),
    list(filter, { after, limit }) {
      const sorted = fitting(filter)
        .map((message) => ({ message, at: positionOf(message) }))
        .filter(({ at }) => !after || comparePositions(at, after) > 0)
        .sort((a, b) => comparePositions(a.at, b.at))
      return Promise.resolve(sorted.slice(0, limit).map(({ message }) => message))
    },
    count: (filter) => Promise.resolve(fitting(filter).length),
    countBy: (filter, spanMs) => Promise.resolve(spanCounts(fitting(filter).map(readyAt), spanMs)),
    countByDestination() {
      const counts = new DestinationCounts()
      for (const message of all()) counts.add(message.destination, readyAt(message))
      return Promise.resolve(counts.all())
    },
  }
}

/** The latest revision first. */
export function withId<M extends JournalledMessage>(messages: readonly M[], id: string): M[] {
  return messages
    .filter((message) => message.id === id)
    .sort((a, b) => b.revision - a.revision || readyAt(b) - readyAt(a))
}
