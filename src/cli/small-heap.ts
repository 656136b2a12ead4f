import { setFlagsFromString } from 'node:v8'

/**
 * For a process that reads a journal, before it loads much: that makes garbage which is gone at once, and Node's young
 * generation would grow with it and stay large. The rest of the heap is collected when it has grown by a third, and not when it
 * has doubled or more. The parser of `fetch` is WebAssembly: to optimise it takes 30 MB for a moment, of which half stays, and is
 * worth nothing here.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=30')
  setFlagsFromString('--no-wasm-tier-up')
  setFlagsFromString('--no-wasm-dynamic-tiering')
}
