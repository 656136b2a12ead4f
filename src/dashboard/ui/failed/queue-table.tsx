import type { FailedKindName, FailedQueues } from '../../api.js'
import { Empty } from '../parts/empty.js'
import { Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { numberText } from '../text/numbers.js'
import { failedHref } from './failed-query.js'

interface Props {
  kind: FailedKindName
  queues: FailedQueues['queues']
  chosen: string | undefined
}

/** The queues that have failed messages, the most first. */
export function QueueTable({ kind, queues, chosen }: Props) {
  if (queues.length === 0) {
    return (
      <Empty title={kind === 'dead' ? 'No dead messages.' : 'No parked messages.'}>
        <p>Nothing to do. They appear here when there are some.</p>
      </Empty>
    )
  }
  return (
    <Table label="Queues">
      <thead>
        <tr>
          <th>Queue</th>
          <th class="number">Messages</th>
          <th>Oldest</th>
          <th>Reasons</th>
        </tr>
      </thead>
      <tbody>
        {queues.map((one) => (
          <QueueRow key={one.queue} kind={kind} row={one} isChosen={one.queue === chosen} />
        ))}
      </tbody>
    </Table>
  )
}

interface RowProps {
  kind: FailedKindName
  row: FailedQueues['queues'][number]
  isChosen: boolean
}

function QueueRow({ kind, row: { queue, messages, oldest, reasons }, isChosen }: RowProps) {
  const place = kind === 'dead' ? { queue } : {}
  return (
    <tr class={isChosen ? 'open' : undefined}>
      <td>
        <a href={failedHref(kind, place)} aria-current={isChosen ? 'true' : undefined}>
          <Text text={queue} />
        </a>
      </td>
      <td class="number">{numberText(messages)}</td>
      <td>
        <Time at={oldest} />
      </td>
      <td class="reasons">
        {reasons.map(({ reason, count }) => (
          <a key={reason} class="chip" href={failedHref(kind, { ...place, reason })}>
            <Text text={reason} /> {numberText(count)}
          </a>
        ))}
      </td>
    </tr>
  )
}
