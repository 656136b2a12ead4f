import { useState } from 'preact/hooks'
import type { FailedKindName, FailedMessage, Permission } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { Facts } from '../parts/facts.js'
import { HeadersView } from '../parts/headers-view.js'
import { PayloadView } from '../parts/payload-view.js'
import { Problem } from '../parts/problem.js'
import { SidePanel } from '../parts/side-panel.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { bytesText } from '../text/numbers.js'
import { FailedButtons } from './failed-buttons.js'
import type { FailedQuery } from './failed-query.js'

interface Props {
  kind: FailedKindName
  /** Its id. */
  message: string
  query: FailedQuery
  permissions: readonly Permission[]
  onClose: () => void
}

/** A failed message whole: why, where its handler threw, and its payload after a click. */
export function FailedPanel({ kind, message, query: { queue }, permissions, onClose }: Props) {
  const [isAsked, setAsked] = useState(false)
  const body = isAsked ? 1 : undefined
  const { data, failure, reload } = useRequest<FailedMessage>('failed/message', { kind, queue, id: message, body })
  const choice = { kind, ...(queue !== undefined && { queue }), id: [message] }
  const mayLook = permissions.includes('payloads')
  return (
    <SidePanel what={kind === 'dead' ? 'Dead message' : 'Parked message'} title={message} onClose={onClose}>
      {failure?.status === 404 ? (
        <p class="note" role="status">
          It is not here any more: it was redriven or purged.
        </p>
      ) : (
        <Problem failure={failure} retry={reload} />
      )}
      {data && <FailedFacts message={data} />}
      {data && failure?.status !== 404 && (
        <FailedButtons label="This message" isShown={false} choice={choice} count={1} permissions={permissions} />
      )}
      {data?.stack && <Stack text={data.stack} />}
      {data && <HeadersView headers={data.headers} />}
      <section>
        <h3>Payload</h3>
        {!mayLook && <p class="hint">This viewer may not see payloads.</p>}
        {mayLook && !data?.body && (
          <button type="button" onClick={() => setAsked(true)}>
            Show payload
          </button>
        )}
        {data?.body && <PayloadView payload={data.body} />}
      </section>
    </SidePanel>
  )
}

function FailedFacts({ message }: { message: FailedMessage }) {
  const { reason, error, name, destination, attempts, dueAt, failedAt, exchange, routingKey, bytes } = message
  return (
    <Facts
      of={[
        ['Reason', <Text text={reason} />],
        ['Error', error !== null && <Text text={error} block />],
        ['Failed', failedAt && <Time at={failedAt} both />],
        ['Was due', dueAt && <Time at={dueAt} both />],
        ['Name', <Text text={name} />],
        ['Destination', <Text text={destination} />],
        ['Attempts', attempts],
        ['Exchange', exchange !== '' && <Text text={exchange} />],
        ['Routing key', <Text text={routingKey} />],
        ['Size', bytesText(bytes)],
      ]}
    />
  )
}

function Stack({ text }: { text: string }) {
  return (
    <section>
      <h3>Stack</h3>
      <pre tabIndex={0} aria-label="Stack">
        <Text text={text} block />
      </pre>
    </section>
  )
}
