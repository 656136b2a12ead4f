import { useContext } from 'preact/hooks'
import type { About, FailedKindName, FailedQueues } from '../../api.js'
import { LiveContext } from '../data/live-context.js'
import { goTo } from '../data/hash-route.js'
import { useRequest } from '../data/use-request.js'
import { Problem } from '../parts/problem.js'
import { FailedList } from './failed-list.js'
import { FailedPanel } from './failed-panel.js'
import { failedHref, failedQueryOf, type FailedQuery } from './failed-query.js'
import { QueueByName } from './queue-by-name.js'
import { QueueTable } from './queue-table.js'

const PAGES: Readonly<Record<FailedKindName, { title: string; what: string }>> = {
  dead: {
    title: 'Dead messages',
    what: 'Consumers gave these up: a handler failed too often, or refused them, or they expired. They stay until you redrive or purge them.',
  },
  parked: {
    title: 'Parked messages',
    what: 'These were due, and their destination was missing. Make the queue or the binding, then redrive them.',
  },
}

interface Props {
  about: About
  kind: FailedKindName
  query: URLSearchParams
}

export function FailedPage({ about, kind, query }: Props) {
  const chosen = failedQueryOf(query)
  const message = query.get('message')
  // To look at them costs the broker more than to count them.
  const count = useContext(LiveContext).overview?.[kind]?.messages
  const queues = useRequest<FailedQueues>('failed', { kind }, { everyMs: 30_000, on: count })
  // Parked messages are in one queue, which needs no choice.
  const shown: FailedQuery | undefined = kind === 'parked' || chosen.queue ? chosen : onlyQueue(queues.data)
  const isEmpty = !queues.failure && queues.data?.queues.length === 0
  return (
    <div class="with-panel">
      <div class="list-side">
        <h1>{PAGES[kind].title}</h1>
        <p class="hint">{PAGES[kind].what}</p>
        <Queues {...{ kind, queues }} chosen={shown?.queue} />
        {shown && !isEmpty && (
          <FailedList
            key={shown.queue}
            kind={kind}
            changes={count}
            query={shown}
            open={message}
            permissions={about.permissions}
          />
        )}
      </div>
      {message !== null && shown && (
        <FailedPanel
          key={message}
          {...{ kind, message, query: shown, permissions: about.permissions }}
          onClose={() => goTo(failedHref(kind, shown))}
        />
      )}
    </div>
  )
}

interface QueuesProps {
  kind: FailedKindName
  queues: ReturnType<typeof useRequest<FailedQueues>>
  chosen: string | undefined
}

function Queues({ kind, queues: { data, failure, reload }, chosen }: QueuesProps) {
  if (failure?.code === 'MANAGEMENT_FAILED') return <QueueByName why={failure.message} queue={chosen} />
  return (
    <>
      <Problem failure={failure} retry={reload} />
      {data && <QueueTable kind={kind} queues={data.queues} chosen={chosen} />}
    </>
  )
}

function onlyQueue(data: FailedQueues | undefined): FailedQuery | undefined {
  return data?.queues.length === 1 ? { queue: data.queues[0]!.queue } : undefined
}
