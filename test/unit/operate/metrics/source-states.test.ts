import { expect, it } from 'vitest'
import { SourceStates } from '../../../../src/operate/metrics/source-states.js'

function told() {
  const news: unknown[] = []
  return { news, states: new SourceStates((source, reason) => news.push(`${source}: ${reason ?? 'up'}`)) }
}

it('tells each change once, and nothing of a source that always answers', () => {
  const { news, states } = told()
  for (const reason of [undefined, undefined, 'a', 'b', undefined, undefined]) states.saw('broker', reason)
  expect(news).toEqual(['broker: a', 'broker: up'])
  expect(states.up).toEqual({ broker: true })
})

it('tells of a source that is away from the start', () => {
  const { news, states } = told()
  states.saw('store', 'away')
  expect([news, states.samples()]).toEqual([['store: away'], [{ metric: 'up', labels: { source: 'store' }, value: 0 }]])
})

it('gives an optional source no state before it answers, and tells once that it is missing', () => {
  const { news, states } = told()
  for (const reason of ['none', 'none']) states.saw('management', reason, { isOptional: true })
  expect(states.up).toEqual({})
  for (const reason of [undefined, 'gone', 'gone']) states.saw('management', reason, { isOptional: true })
  expect(states.up).toEqual({ management: false })
  expect(news).toEqual(['management: none', 'management: up', 'management: gone'])
})
