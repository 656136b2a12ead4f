import { expect, test } from 'vitest'
import { defineMessage } from '../../../src/index.js'
import { checkConnections, queuePlans, type PlannedMethod } from '../../../src/nestjs/queue-plans.js'
import { z } from 'zod'
import { thrown } from '../thrown.js'

const reminder = defineMessage('reminder', z.object({}))
const report = defineMessage('report', z.object({}))

function method(label: string, subscription: Partial<PlannedMethod['subscription']> = {}): PlannedMethod {
  return {
    label,
    subscription: { definition: reminder, queue: 'q', connection: undefined, options: {}, ...subscription },
  }
}

test('the methods for a queue are one consumer, with the options that any of them gives', () => {
  const methods = [
    method('A.remind', { options: { concurrency: 5, retry: { attempts: 3, backoff: ['1s', '5s'] } } }),
    method('B.report', { definition: report, options: { prefetch: undefined } }),
    method('C.any', { definition: undefined, options: { prefetch: 7, retry: { attempts: 3, backoff: ['1s', '5s'] } } }),
    method('A.remind', { queue: 'other' }),
    method('A.remind', { connection: 'billing' }),
  ]
  const plans = queuePlans(methods, 'default').map(({ queue, options, methods }) => [
    queue,
    options,
    methods.map(({ label }) => label),
  ])
  const options = { concurrency: 5, prefetch: 7, retry: { attempts: 3, backoff: ['1s', '5s'] } }
  expect(plans).toEqual([
    ['q', options, ['A.remind', 'B.report', 'C.any']],
    ['other', {}, ['A.remind']],
  ])
  expect(queuePlans(methods, 'billing')).toHaveLength(1)
})

test.each([
  [
    [method('A.remind'), method('B.remind')],
    'message: expected one method for the message "reminder" of the queue "q", got A.remind and B.remind',
  ],
  [
    [method('A.remind'), method('A.remind')],
    'message: expected one method for the message "reminder" of the queue "q", got A.remind twice',
  ],
  [
    [method('A.any', { definition: undefined }), method('B.any', { definition: undefined })],
    'message: expected one method for any other message of the queue "q", got A.any and B.any',
  ],
  [
    [
      method('A.remind', { options: { concurrency: 5 } }),
      method('B.report', { definition: report, options: { concurrency: 6 } }),
    ],
    'concurrency: expected one value for the consumer of the queue "q", got different ones at A.remind and B.report',
  ],
])('contradictions are refused: %#', (methods, text) => {
  const error = thrown(() => queuePlans(methods, 'default'))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: text })
})

test('every method has a connection that there is, and every connection a name of its own', () => {
  const methods = [method('A.remind'), method('A.report', { connection: 'billing' })]
  checkConnections(methods, ['billing', 'default'])
  expect(thrown(() => checkConnections(methods, ['default', 'bills']))).toMatchObject({
    code: 'INVALID_OPTION',
    message: 'connection: expected one of "default", "bills" at A.report, got "billing"',
  })
  expect(thrown(() => checkConnections([], ['default', 'default']))).toMatchObject({
    code: 'INVALID_OPTION',
    message: 'name: expected a name of its own for each connection of DuequeModule, got "default" twice',
  })
})
