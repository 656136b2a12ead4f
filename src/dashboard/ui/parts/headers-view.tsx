import { Text } from './text.js'

/** The headers of a message. */
export function HeadersView({ headers }: { headers: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(headers)
  if (entries.length === 0) return null
  return (
    <section>
      <h3>Headers</h3>
      <dl class="facts">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>
              <Text text={name} />
            </dt>
            <dd>
              <Text text={typeof value === 'string' ? value : JSON.stringify(value)} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
