import { silent } from '../../base/logger.js'
import type { DuequeError } from '../../base/errors.js'
import type { MetricsStore } from '../../operate/metrics/metrics-process.js'
import { neededStore, type ChosenStore } from './chosen-store.js'
import { hasStore, type StoreSettings } from './store-options.js'

/** A store that may be away when it is needed. */
export interface LateStore extends MetricsStore {
  close(): Promise<void>
}

/** The store that was chosen, if one was: each `get` tries to open it, until one has. */
export function lateStore(settings: StoreSettings, onError: (error: DuequeError) => void): LateStore | undefined {
  if (!hasStore(settings)) return undefined
  let opened: Promise<ChosenStore> | undefined
  const open = async () => {
    const chosen = await neededStore(settings)
    try {
      await chosen.store.open({ logger: silent, onError })
      return chosen
    } catch (error) {
      await closed(chosen)
      throw error
    }
  }
  return {
    name: settings.redis === undefined ? 'postgres' : 'redis',
    async get() {
      const opening = (opened ??= open())
      try {
        return (await opening).store
      } catch (error) {
        if (opened === opening) opened = undefined
        throw error
      }
    },
    async close() {
      const chosen = await opened?.catch(() => undefined)
      if (chosen) await closed(chosen)
    },
  }
}

async function closed({ store, close }: ChosenStore): Promise<void> {
  await store.close()
  await close()
}
