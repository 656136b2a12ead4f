import { setFlagsFromString } from 'node:v8'

/**
 * For a process that reads a journal, before it loads much: that makes garbage which is gone at once, and Node's young
 * generation would grow with it and stay large. With 100,000 messages a dashboard takes 83 MB, and 120 MB without (Node 20).
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
