import { useEffect, useState } from 'preact/hooks'

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** A value that changes with time, read anew every second by one timer for all. Drawn again only when it has changed. */
export function useTicking<T extends string | number>(read: () => T, inputs: readonly unknown[]): T {
  const [, setDrawn] = useState<T>()
  useEffect(() => {
    const tick = () => setDrawn(read())
    return listen(tick)
    // `read` is made anew with each drawing, from these inputs.
  }, inputs)
  return read()
}

function listen(tick: () => void): () => void {
  listeners.add(tick)
  timer ??= setInterval(() => listeners.forEach((listener) => listener()), 1000)
  return () => {
    listeners.delete(tick)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
