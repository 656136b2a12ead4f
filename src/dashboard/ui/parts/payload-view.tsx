import type { ComponentChildren } from 'preact'
import type { Payload } from '../../api.js'
import { CopyButton } from './copy-button.js'
import { Text } from './text.js'

/** A body: JSON with line breaks, any other text as it is, other bytes in base64. */
export function PayloadView({ payload, children }: { payload: Payload; children?: ComponentChildren }) {
  const shown = payload.encoding === 'utf8' ? indented(payload.text) : payload.text
  return (
    <div class="payload">
      {payload.encoding === 'base64' && <p class="hint">These bytes are no text: they are shown in base64.</p>}
      <pre tabIndex={0} aria-label="Payload">
        <Text text={shown} block />
      </pre>
      <div class="button-group">
        <CopyButton name={payload.encoding === 'utf8' ? 'Copy payload' : 'Copy base64'} text={() => payload.text} />
        {children}
      </div>
    </div>
  )
}

/** Only if nothing else changes: a number of 20 digits would. */
function indented(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text ? JSON.stringify(value, null, 2) : text
  } catch {
    return text
  }
}
