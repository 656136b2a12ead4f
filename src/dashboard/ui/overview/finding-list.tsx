import type { Findings } from '../../api.js'
import { useRequest } from '../data/use-request.js'
import { Problem } from '../parts/problem.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { countText } from '../text/numbers.js'

/** What doctor finds, and what to do about it. */
export function FindingList() {
  const { data, failure, loading, reload } = useRequest<Findings>('findings', {}, { everyMs: 60_000 })
  const findings = data?.findings ?? []
  const shown = findings.filter(({ severity }) => severity !== 'ok')
  const fine = findings.length - shown.length
  return (
    <section class="findings" aria-labelledby="findings-title">
      <header>
        <h2 id="findings-title">What doctor finds</h2>
        <span class="detail">
          {data && (
            <>
              looked at <Time at={data.at} />
            </>
          )}
          {!data && loading && 'looking …'}
        </span>
      </header>
      <Problem failure={failure} retry={reload} />
      {data && shown.length === 0 && <p class="note">Nothing to do: {countText(fine, 'check')} passed.</p>}
      <ul>
        {shown.map((one, i) => (
          <FindingRow key={`${one.code} ${one.what} ${i}`} finding={one} />
        ))}
      </ul>
      {shown.length > 0 && fine > 0 && <p class="hint">{countText(fine, 'other check')} passed.</p>}
    </section>
  )
}

function FindingRow({ finding: { severity, code, what, todo } }: { finding: Findings['findings'][number] }) {
  return (
    <li>
      <span class={`severity severity-${severity}`}>{severity}</span>
      <div>
        <p>
          <Text text={what} />
        </p>
        {todo && (
          <p class="todo">
            <Text text={todo} />
          </p>
        )}
      </div>
      <code>{code}</code>
    </li>
  )
}
