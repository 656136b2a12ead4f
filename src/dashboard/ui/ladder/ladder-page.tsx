import type { LadderView } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { Empty } from '../parts/empty.js'
import { Problem } from '../parts/problem.js'
import { Table } from '../parts/table.js'
import { Text } from '../parts/text.js'
import { numberText } from '../text/numbers.js'
import { Staircase } from './staircase.js'
import { stepsOf } from './steps.js'

export function LadderPage() {
  const { data, failure, reload } = useRequest<LadderView>('ladder', {}, { everyMs: 5000 })
  return (
    <>
      <h1>Ladder</h1>
      <p>
        A message waits in queues with a fixed time each, the <dfn>rungs</dfn>. Its delay is taken apart like a clock: 1
        day, 2 hours and 30 minutes are 30 minutes in the rung 30m, then 2 hours in 2h, then a day in 1d. So it climbs
        the steps from left to right, the smallest unit first, and at the top it is due and delivered.
      </p>
      <Problem failure={failure} retry={reload} />
      {data && <Staircase steps={stepsOf(data.rungs)} outlets={data.outlets} />}
      {data && data.rungs.every(({ messages }) => messages === 0) && (
        <Empty title="No message waits on the ladder.">
          <p>Schedule some, and their number appears on the rungs on which they wait.</p>
        </Empty>
      )}
      {data && <RungTable rungs={data.rungs.filter(({ messages, backedUp }) => messages > 0 || backedUp)} />}
    </>
  )
}

function RungTable({ rungs }: { rungs: LadderView['rungs'] }) {
  if (rungs.length === 0) return null
  return (
    <section>
      <h2>Rungs with messages</h2>
      <p class="hint">The number says how many wait here now. Many of them go on to a longer rung afterwards.</p>
      <Table label="Rungs with messages" isCompact>
        <thead>
          <tr>
            <th>Rung</th>
            <th class="number">Messages</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {rungs.map(({ rung, messages, backedUp }) => (
            <tr key={rung}>
              <td>
                <Text text={rung} />
              </td>
              <td class="number">{numberText(messages)}</td>
              <td>
                {backedUp ? <span class="severity severity-warning">its target takes no messages</span> : 'waiting'}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}
