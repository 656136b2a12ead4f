/** The keys of a prefix, in one slot, so that a script may touch all of them in a cluster. */
export function keysOf(prefix: string, triggers = false): string[] {
  const names = ['waiting', 'claimed', 'messages', 'more', 'ticks', ...(triggers ? ['due'] : [])]
  return names.map((name) => `{${prefix}}:${name}`)
}
