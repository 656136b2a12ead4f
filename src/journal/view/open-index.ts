import type { JournalledMessage } from '../../strategies/waiting-view.js'
import { JournalReading, type OnRecords } from '../reading/journal-reading.js'
import type { JournalSource } from '../reading/journal-source.js'
import { PlacedMessages } from '../reading/placed-messages.js'
import { WaitingIndex, type FoundEntry } from '../waiting/waiting-index.js'

export interface OpenIndexSettings {
  source: JournalSource
  /** Other messages are left out. @default all are taken */
  takes?: ((message: JournalledMessage) => boolean) | undefined
  /** Whether it goes on for long, as {@link ReadingSettings.isLasting}. */
  isLasting?: boolean | undefined
  onRecords?: OnRecords | undefined
  closing: AbortSignal
}

/** An index in which everything is that was in the streams when the question came. */
export interface AskedIndex {
  readonly index: WaitingIndex
  readonly messages: PlacedMessages
  /** Called if entries of the index are not in their streams any more. */
  readonly onGone?: (() => void) | undefined
}

/** An index that is being read. */
export interface OpenIndex extends AskedIndex {
  readonly reading: JournalReading
  close(): Promise<void>
}

/** Starts to read the streams into a new index. @throws DuequeError as {@link JournalReading.open}, and as `connect` does */
export async function openIndex({ source, takes, ...settings }: OpenIndexSettings): Promise<OpenIndex> {
  const { connection, release } = await source.connect()
  const index = new WaitingIndex({ now: () => source.now(), graceMs: source.graceMs, takes })
  const messages = new PlacedMessages(connection, source.names)
  try {
    const reading = await JournalReading.open({ source, connection, intake: index, ...settings })
    const close = async () => {
      await reading.close()
      await release()
    }
    return { index, messages, reading, close }
  } catch (error) {
    await release()
    throw error
  }
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
