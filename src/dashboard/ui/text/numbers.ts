const NUMBER = new Intl.NumberFormat('en')

/** `1,234`. */
export function numberText(value: number): string {
  return NUMBER.format(value)
}

/** `1 message`, `1,234 messages`. */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `+3`, `−2`, `±0`. */
export function changeText(change: number): string {
  if (change === 0) return '±0'
  return `${change > 0 ? '+' : '−'}${numberText(Math.abs(change))}`
}

/** `850 B`, `1.2 kB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
