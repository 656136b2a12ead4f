import { useState } from 'preact/hooks'
import type { Payload, WaitingDetails } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { CopyButton } from '../parts/copy-button.js'
import { PayloadView } from '../parts/payload-view.js'
import { Problem } from '../parts/problem.js'

/** Hidden until somebody asks for it: payloads hold personal data. */
export function MessagePayload({ message, mayLook }: { message: WaitingDetails; mayLook: boolean }) {
  const [isAsked, setAsked] = useState(false)
  const { id, revision } = message
  const payload = useRequest<Payload>(isAsked ? 'waiting/payload' : undefined, { id, revision })
  if (message.bytes === null) return null
  return (
    <section>
      <h3>Payload</h3>
      {!mayLook && <p class="hint">This viewer may not see payloads.</p>}
      {mayLook && !isAsked && (
        <button type="button" onClick={() => setAsked(true)}>
          Show payload
        </button>
      )}
      <Problem failure={payload.failure} retry={payload.reload} />
      {payload.data && (
        <PayloadView payload={payload.data}>
          <CopyButton name="Copy message as JSON" text={() => messageJson(message, payload.data!)} />
        </PayloadView>
      )}
    </section>
  )
}

/** With the payload as JSON where it is JSON, and as text or base64 otherwise. */
function messageJson(message: WaitingDetails, { encoding, text }: Payload): string {
  if (encoding === 'base64') return JSON.stringify({ ...message, payloadBase64: text }, null, 2)
  return JSON.stringify({ ...message, payload: parsed(text) }, null, 2)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
