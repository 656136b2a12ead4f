import { Option } from 'commander'
import type { JournalOptions } from '../index.js'
import { usage } from './exit.js'
import { hasStore, type StoreSettings } from './stores/store-options.js'

export interface JournalSettings {
  journal?: 'bodies' | 'no-bodies'
}

export function journalOption(): Option {
  const text = 'also into the journal; no-bodies: without the payload'
  return new Option('--journal [what]', text).choices(['bodies', 'no-bodies']).preset('bodies')
}

/** The option `journal` of the ladder. @throws CommandError of wrong usage */
export function journalOf({ journal, ...settings }: StoreSettings & JournalSettings): false | JournalOptions {
  if (journal === undefined) return false
  if (hasStore(settings)) throw usage('--journal is for RabbitMQ itself: a store can list its messages anyway')
  return { bodies: journal === 'bodies' }
}
