import { useEffect, useState } from 'preact/hooks'

let say: ((text: string) => void) | undefined

/** Tells a screen reader what has changed. The numbers that change all the time are not announced. */
export function announce(text: string): void {
  say?.(text)
}

/** One for the page. */
export function Announcer() {
  const [text, setText] = useState('')
  useEffect(() => {
    say = setText
    return () => {
      say = undefined
    }
  }, [])
  return (
    <p class="for-screen-readers" role="status" aria-live="polite">
      {text}
    </p>
  )
}
