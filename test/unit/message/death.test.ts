import { describe, expect, it } from 'vitest'
import { deathOf } from '../../../src/message/death.js'

const NO_ROOM = new Error('no room')

describe('deathOf', () => {
  it.each([
    [NO_ROOM, { reason: 'handler-error', error: 'no room', at: 5, stack: NO_ROOM.stack }],
    ['thrown text', { reason: 'handler-error', error: 'thrown text', at: 5 }],
    [undefined, { reason: 'handler-error', error: 'undefined', at: 5 }],
  ])('%o', (error, death) => {
    expect(deathOf('handler-error', error, 5)).toEqual(death)
  })

  it('shortens a long text', () => {
    expect(deathOf('expired', new Error('x'.repeat(5000)), 5).error).toHaveLength(1000)
  })

  it.each([[Object.create(null)], [Object.assign(new Error(), { message: 5 })]])(
    'accepts any thrown value: %o',
    (error) => {
      expect(deathOf('handler-error', error, 5)).toMatchObject({ reason: 'handler-error', at: 5 })
    },
  )
})
