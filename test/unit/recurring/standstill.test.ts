import { expect, it } from 'vitest'
import { DuequeError, manualClock } from '../../../src/index.js'
import { isDenied, Standstill } from '../../../src/recurring/standstill.js'
import { START } from './world.js'

const away = new DuequeError('STORE_ERROR', 'away', { store: 'redis' })
const denied = [
  new DuequeError('STORE_ERROR', 'no', { store: 'redis', denied: true }),
  new DuequeError('PERMISSION_DENIED', 'no', { permission: 'write', resource: 'exchange' }),
]

function world() {
  const clock = manualClock(START)
  const errors: unknown[] = []
  const standstill = new Standstill({ clock, patienceMs: 60_000, stepBack: (error) => errors.push(error) })
  return { clock, errors, standstill }
}

it('is over after a minute of failures alone', () => {
  const { clock, errors, standstill } = world()
  standstill.failed(away)
  clock.advance(59_999)
  standstill.failed(away)
  expect(errors).toEqual([])
  clock.advance(1)
  standstill.failed(away)
  expect(errors).toEqual([away])
})

it('begins anew after each success, and after a step back', () => {
  const { clock, errors, standstill } = world()
  for (const begin of [() => standstill.succeeded(), () => standstill.steppedBack()]) {
    standstill.failed(away)
    clock.advance(59_000)
    begin()
    clock.advance(59_000)
    standstill.failed(away)
    clock.advance(59_000)
    standstill.failed(away)
    begin()
  }
  expect(errors).toEqual([])
})

it('a missing right is enough, unless something has succeeded within a minute', () => {
  const { clock, errors, standstill } = world()
  standstill.failed(denied[0])
  expect(errors).toEqual([denied[0]])
  standstill.succeeded()
  clock.advance(59_999)
  standstill.failed(denied[1])
  expect(errors).toHaveLength(1)
  clock.advance(1)
  standstill.failed(denied[1])
  expect(errors).toEqual(denied)
})

it('knows when the ticker stepped back, until something succeeds', () => {
  const { clock, standstill } = world()
  expect([standstill.turn, standstill.steppedBackAt]).toEqual([0, undefined])
  clock.advance(5)
  standstill.steppedBack()
  expect([standstill.turn, standstill.steppedBackAt]).toEqual([1, START + 5])
  standstill.succeeded()
  expect([standstill.turn, standstill.steppedBackAt]).toEqual([1, undefined])
})

it('tells a missing right from other failures', () => {
  expect([...denied, away, new Error('no')].map(isDenied)).toEqual([true, true, false, false])
})
