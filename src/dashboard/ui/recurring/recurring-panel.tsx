import type { Permission, RecurringDetails } from '../../api.js'
import { durationText } from '../../../base/duration-text.js'
import { useRequest } from '../data/use-request.js'
import { Facts } from '../parts/facts.js'
import { HeadersView } from '../parts/headers-view.js'
import { PayloadView } from '../parts/payload-view.js'
import { Problem } from '../parts/problem.js'
import { SidePanel } from '../parts/side-panel.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { NextTimes } from './next-times.js'
import { RecurringActions } from './recurring-actions.js'
import { ruleText } from './rule-text.js'

interface Props {
  id: string
  permissions: readonly Permission[]
  onChanged: () => void
  onClose: () => void
}

/** A schedule whole: its next and last times, and what may be done. */
export function RecurringPanel({ id, permissions, onChanged, onClose }: Props) {
  const { data, failure, reload } = useRequest<RecurringDetails>('recurring/one', { id }, { everyMs: 10_000 })
  const changed = () => {
    reload()
    onChanged()
  }
  const isGone = failure?.status === 404
  return (
    <SidePanel what="Schedule" title={id} onClose={onClose}>
      {isGone ? (
        <p class="note" role="status">
          It is not set any more.
        </p>
      ) : (
        <Problem failure={failure} retry={reload} />
      )}
      {data && !isGone && permissions.includes('recurring') && <RecurringActions schedule={data} onChanged={changed} />}
      {data && !isGone && <NextTimes schedule={data} />}
      {data && <ScheduleFacts schedule={data} />}
      {data && <HeadersView headers={data.headers} />}
      {data?.payload !== undefined && (
        <details>
          <summary>Payload</summary>
          <PayloadView payload={{ encoding: 'utf8', text: JSON.stringify(data.payload) }} />
        </details>
      )}
    </SidePanel>
  )
}

function ScheduleFacts({ schedule }: { schedule: RecurringDetails }) {
  const { name, destination, note, from, until, limit, jitterMs, catchUp } = schedule
  return (
    <Facts
      of={[
        ['When', <Text text={ruleText(schedule)} />],
        ['Name', <Text text={name} />],
        ['Destination', <Text text={destination} />],
        ['Note', note !== null && <Text text={note} block />],
        ['From', from !== null && <Time at={from} both />],
        ['Until', until !== null && <Time at={until} both />],
        ['At most', limit !== null && `${limit} times`],
        ['Jitter', jitterMs > 0 && `up to ${durationText(jitterMs)}`],
        ['Missed times', { once: 'are caught up with once', none: 'are left out', all: 'are all sent' }[catchUp]],
      ]}
    />
  )
}
