import { useState } from 'preact/hooks'
import type { Permission, WaitingDetails } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { Facts } from '../parts/facts.js'
import { HeadersView } from '../parts/headers-view.js'
import { Problem } from '../parts/problem.js'
import { SidePanel } from '../parts/side-panel.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { bytesText } from '../text/numbers.js'
import { ChangeButtons, type ChangeAction } from './change-buttons.js'
import { ChangeDialog } from './change-dialog.js'
import { MessagePayload } from './message-payload.js'
import { waitingKey } from './row-key.js'

interface Props {
  id: string
  revision: number
  permissions: readonly Permission[]
  onClose: () => void
}

/** A waiting message whole. */
export function MessagePanel({ id, revision, permissions, onClose }: Props) {
  const { data, failure, reload } = useRequest<WaitingDetails>('waiting/message', { id, revision }, { everyMs: 5000 })
  const isGone = failure?.status === 404
  return (
    <SidePanel what="Message" title={id} onClose={onClose}>
      {isGone ? (
        <p class="note" role="status">
          It does not wait any more: it was delivered, cancelled or rescheduled.
        </p>
      ) : (
        <Problem failure={failure} retry={reload} />
      )}
      {data && <MessageFacts message={data} />}
      {data && !isGone && <MessageActions message={data} permissions={permissions} />}
      {data && <HeadersView headers={data.headers} />}
      {data && !isGone && <MessagePayload message={data} mayLook={permissions.includes('payloads')} />}
    </SidePanel>
  )
}

function MessageFacts({ message }: { message: WaitingDetails }) {
  const { name, destination, dueAt, readyAt, scheduledAt, attempt, revision, bytes } = message
  return (
    <Facts
      of={[
        ['Due', <Time at={dueAt} both />],
        // Of a retry.
        ['Ready', readyAt !== dueAt && <Time at={readyAt} both />],
        ['Name', <Text text={name} />],
        ['Destination', <Text text={destination} />],
        ['Scheduled', <Time at={scheduledAt} both />],
        ['Attempt', attempt],
        ['Revision', revision],
        ['Size', bytes === null ? 'the journal keeps no bodies' : bytesText(bytes)],
      ]}
    />
  )
}

function MessageActions({ message, permissions }: { message: WaitingDetails; permissions: readonly Permission[] }) {
  const [action, setAction] = useState<ChangeAction>()
  if (!permissions.includes('cancel') && !permissions.includes('reschedule')) return null
  return (
    <>
      <ChangeButtons permissions={permissions} label="This message" isShown={false} onChange={setAction} />
      {action && (
        <ChangeDialog
          action={action}
          target={{ messages: [waitingKey(message)] }}
          onClose={() => setAction(undefined)}
        />
      )}
    </>
  )
}
