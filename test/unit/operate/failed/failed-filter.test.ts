import { describe, expect, it } from 'vitest'
import { purgeFailed } from '../../../../src/operate/failed/purge-failed.js'
import { parkedMessages } from '../../../../src/operate/failed/parked-messages.js'
import { topologyPlan } from '../../../../src/operate/topology/plan.js'

describe('the options of an operator', () => {
  it.each([
    ['a misspelt field', { reasons: ['expired'] }, 'filter.reasons'],
    ['one text instead of a list', { id: 'appointment-42' }, 'filter.id'],
    ['a list that holds more than texts', { name: ['reminder', 7] }, 'filter.name'],
    ['a Date', { before: new Date() }, 'filter.before'],
    ['no number', { after: NaN }, 'filter.after'],
  ])('refuse a filter with %s before a broker is asked', async (_, filter, option) => {
    const purge = purgeFailed(parkedMessages, { url: 'amqp://127.0.0.1:1', filter: filter as never })
    await expect(purge).rejects.toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })

  it('refuse one name where a list is expected', () => {
    expect(() => topologyPlan({ queues: 'reminders' as never })).toThrow(/queues: expected a list of texts/)
  })
})
