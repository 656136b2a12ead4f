import { useCallback, useState } from 'preact/hooks'

/**
 * A state of what the key names. With another key it is at once as at first: an effect that sets it back would come after a request
 * with the state of before.
 */
export function useStateOf<T>(key: string, initial: T): [T, (change: (before: T) => T) => void] {
  const [state, setState] = useState({ key, value: initial })
  const change = useCallback(
    (next: (before: T) => T) =>
      setState((before) => {
        const value = next(before.key === key ? before.value : initial)
        return before.key === key && before.value === value ? before : { key, value }
      }),
    [key],
  )
  return [state.key === key ? state.value : initial, change]
}
