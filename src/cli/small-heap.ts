import { setFlagsFromString } from 'node:v8'

/**
 * For a process that reads a journal, before it loads much: that makes garbage which is gone at once, and Node's young
 * generation would grow with it and stay large. The rest of the heap is collected when it has grown by a third, and not when it
 * has doubled or more. A dashboard with 100,000 messages, all of which are cancelled, takes up to 126 and 143 MB, in two runs, and
 * 224 MB without the second (Node 20).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=30')
}
