import { expect, it } from 'vitest'
import { Events } from '../../src/events.js'
import { silent } from '../../src/base/logger.js'

it('listeners are called in order, until they are removed', () => {
  const events = new Events(silent)
  const calls: string[] = []
  const remove = events.on('blocked', (reason) => calls.push(`a ${reason}`))
  events.on('blocked', (reason) => calls.push(`b ${reason}`))
  events.on('unblocked', () => calls.push('other'))
  events.emit('blocked', 'memory')
  remove()
  remove()
  events.emit('blocked', 'disk')
  expect(calls).toEqual(['a memory', 'b memory', 'b disk'])
})

it('a listener that throws or rejects is logged and does no harm', async () => {
  const logged: unknown[] = []
  const events = new Events({ ...silent, error: (_, data) => logged.push(data) })
  let called = false
  events.on('unblocked', () => {
    throw new Error('mine')
  })
  events.on('unblocked', () => Promise.reject(new Error('later')) as unknown as undefined)
  events.on('unblocked', () => (called = true))
  events.emit('unblocked')
  await new Promise(setImmediate)
  expect(called).toBe(true)
  expect(logged).toEqual([
    { event: 'unblocked', error: 'mine' },
    { event: 'unblocked', error: 'later' },
  ])
})
