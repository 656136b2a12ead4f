import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connect, defineMessage, memory, on, onAny, type Handler } from '../../../src/index.js'
import { rejection } from '../thrown.js'

const mq = await connect({ strategy: memory() })
afterAll(() => mq.close())

const handle = () => undefined
const reminder = on(defineMessage('reminder', z.unknown()), handle)

it.each<[string, unknown]>([
  ...[0, -1, 1.5, 65_536, NaN, '5', null].map((prefetch): [string, unknown] => ['prefetch', prefetch]),
  ...[0, -1, 1.5, NaN, '5', null].map((concurrency): [string, unknown] => ['concurrency', concurrency]),
])('%s may not be %o', async (option, value) => {
  const error = await rejection(mq.consume('q', [reminder], { [option]: value }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
})

it.each([
  ['none', []],
  ['no list', reminder],
  ['two for one message', [reminder, onAny(handle), on(defineMessage('reminder', z.string()), handle)]],
  ['two for any message', [onAny(handle), reminder, onAny(handle)]],
])('handlers may not be %s', async (_, handlers) => {
  const error = await rejection(mq.consume('q', handlers as Handler[]))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'handlers' } })
})

it.each([
  ['', 'INVALID_OPTION'],
  ['dq~q', 'RESERVED_NAME'],
  ['q.dead', 'RESERVED_NAME'],
  ['q'.repeat(256), 'NAME_TOO_LONG'],
])('the queue may not be %j', async (queue, code) => {
  expect((await rejection(mq.consume(queue, [reminder]))).code).toBe(code)
})

it('a dead queue is consumed if it exists, and not declared as a work queue', async () => {
  const missing = await rejection(mq.consume('none.dead', [reminder], { declare: false }))
  expect(missing.code).toBe('DESTINATION_MISSING')
  const message = defineMessage('reminder', z.unknown())
  const schedule = mq.schedule(message, 1, { to: { queue: 'none.dead' }, in: 0, declare: true })
  expect((await rejection(schedule)).code).toBe('RESERVED_NAME')
})

describe('a second consumer of a queue', () => {
  const other = on(defineMessage('other', z.unknown()), handle)

  /** The names in the warnings when the second consumer starts. */
  async function warnings(first: Handler[], second: Handler[], closes = false) {
    const names: unknown[] = []
    const warn = (_: string, data?: Record<string, unknown>) => names.push(data?.['names'])
    const nothing = () => undefined
    const mine = await connect({ strategy: memory(), logger: { debug: nothing, info: nothing, error: nothing, warn } })
    const consumer = await mine.consume('q', first)
    await mine.consume('elsewhere', [other])
    if (closes) await consumer.close()
    await mine.consume('q', second)
    await mine.close()
    return names
  }

  it.each<[string, Handler[], Handler[], string[][]]>([
    ['another message alone', [reminder], [other], [['other', 'reminder']]],
    ['fewer messages', [reminder, other], [reminder], [['other']]],
    ['any other message', [reminder], [reminder, onAny(handle)], [['(any other)']]],
    ['the same messages', [reminder, other], [other, reminder], []],
    ['all messages, one by one or together', [onAny(handle), other], [onAny(handle)], []],
  ])('with handlers for %s', async (_, first, second, warned) => {
    expect(await warnings(first, second)).toEqual(warned)
  })

  it('does not warn once the first has closed', async () => {
    expect(await warnings([reminder], [other], true)).toEqual([])
  })
})
