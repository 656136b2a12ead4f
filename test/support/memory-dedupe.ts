import type { DedupeStore } from '../../src/index.js'

/** A dedupe store of one process. No process that dies holds a key here, so that leases do not end. */
export function memoryDedupe(): DedupeStore {
  const states = new Map<string, string>()
  const SETTLED = ''
  return {
    name: 'memory',
    claim(key, owner) {
      const state = states.get(key) ?? owner
      if (state === owner) states.set(key, owner)
      return Promise.resolve(state === owner ? 'claimed' : state === SETTLED ? 'settled' : 'running')
    },
    renew: () => Promise.resolve(),
    settle(key) {
      states.set(key, SETTLED)
      return Promise.resolve()
    },
    release(key, owner) {
      if (states.get(key) === owner) states.delete(key)
      return Promise.resolve()
    },
  }
}
