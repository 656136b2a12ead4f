import { useState } from 'preact/hooks'

/** Copies a text. Its name says for a moment that it has. */
export function CopyButton({ name, text }: { name: string; text: () => string }) {
  const [said, setSaid] = useState<string>()
  const say = (what: string) => {
    setSaid(what)
    setTimeout(() => setSaid(undefined), 2000)
  }
  const copy = () => {
    // Not there without https, but for localhost.
    if (!navigator.clipboard) return say('Copying needs https')
    navigator.clipboard.writeText(text()).then(
      () => say('Copied'),
      () => say('The browser refuses to copy'),
    )
  }
  return (
    <button type="button" onClick={copy}>
      <span aria-live="polite">{said ?? name}</span>
    </button>
  )
}
