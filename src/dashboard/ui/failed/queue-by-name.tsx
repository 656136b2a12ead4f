import { useState } from 'preact/hooks'
import { goTo } from '../data/hash-route.js'
import { Empty } from '../parts/empty.js'
import { Field } from '../parts/field.js'
import { failedHref } from './failed-query.js'

/** AMQP lists no queues: without the management API, a viewer names the work queue. */
export function QueueByName({ why, queue }: { why: string; queue: string | undefined }) {
  const [typed, setTyped] = useState(queue ?? '')
  const submit = (event: Event) => {
    event.preventDefault()
    if (typed.trim() !== '') goTo(failedHref('dead', { queue: typed.trim() }))
  }
  return (
    <Empty title="The management API of RabbitMQ, which lists dead queues, does not answer.">
      <p>{why}</p>
      <form class="by-name" onSubmit={submit}>
        <Field label="Work queue" placeholder="reminders" value={typed} onType={setTyped} />
        <button type="submit" disabled={typed.trim() === ''}>
          Show its dead messages
        </button>
      </form>
    </Empty>
  )
}
