/** 2 to the power of 28 seconds is 8.5 years. */
export const LEVELS = 28

/** Where a message enters a binary ladder, and the key by which each level sends it on. */
export interface DelayKey {
  /** The highest level at which the message waits. Undefined for no delay. */
  readonly level: number | undefined
  /** One digit for each level from the highest, then the queue: `0.0.….1.0.1.orders`. */
  readonly key: string
}

/** Of a delay in whole seconds. */
export function delayKeyOf(seconds: number, queue: string): DelayKey {
  const digits = seconds.toString(2).padStart(LEVELS, '0')
  if (!Number.isSafeInteger(seconds) || seconds < 0 || digits.length > LEVELS)
    throw new Error(`a delay of a binary ladder: expected 0 to ${2 ** LEVELS - 1} whole seconds, got ${seconds}`)
  const first = digits.indexOf('1')
  return { level: first === -1 ? undefined : LEVELS - 1 - first, key: `${digits.replaceAll(/./g, '$&.')}${queue}` }
}
