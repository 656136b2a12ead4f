import type { JournalledMessage } from '../strategies/waiting-view.js'
import type { AskedIndex } from './asked-index.js'
import { JournalReading, type OnRecords } from './journal-reading.js'
import type { JournalSource } from './journal-source.js'
import { PlacedMessages } from './placed-messages.js'
import { WaitingIndex } from './waiting/waiting-index.js'

export interface OpenIndexSettings {
  source: JournalSource
  /** Other messages are left out. @default all are taken */
  takes?: ((message: JournalledMessage) => boolean) | undefined
  /** Whether it goes on for long, as {@link ReadingSettings.isLasting}. */
  isLasting?: boolean | undefined
  onRecords?: OnRecords | undefined
  closing: AbortSignal
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
