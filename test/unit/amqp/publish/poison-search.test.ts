import { afterEach, describe, expect, it, vi } from 'vitest'
import { PoisonSearch, blame, isBlame, isSuspect } from '../../../../src/amqp/publish/poison-search.js'

const reason = (text: string, code?: number) => Object.assign(new Error(text), code !== undefined && { code })
const EXPIRATION = reason(
  'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - invalid expiration \'soon\'"',
  406,
)
const FAILED = reason('Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"', 541)

it.each([
  ['what the broker cannot read', reason('Connection closed: 501 (FRAME-ERROR) with message "FRAME_ERROR"', 501), true],
  ['what it refuses', EXPIRATION, true],
  ['what its own code fails on', FAILED, true],
  [
    'a metadata store that does not answer',
    reason('Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR - Could not declare queue"', 541),
    false,
  ],
  ['a node that shuts down', reason('Connection closed: 320 (CONNECTION-FORCED) with message "shutdown"', 320), false],
  [
    'an exchange that is missing',
    reason("Channel closed by server: 404 (NOT-FOUND) with message \"NOT_FOUND - no exchange 'x' in vhost '/'\"", 404),
    false,
  ],
  ['a network that is gone', reason('read ECONNRESET'), false],
  ['nothing', undefined, false],
])('blames a message for %s, or not', (_, error, expected) => {
  expect(isBlame(error)).toBe(expected)
})

it('sends alone what was there three times in a row, and refuses it at the second time alone', () => {
  const entry = { blamed: 0 }
  const suspects = new PoisonSearch<typeof entry>()
  const seen = [1, 2, 3, 4, 5].map(() => [blame(entry, EXPIRATION)?.code, isSuspect(entry), suspects.take(entry)])
  expect(seen).toEqual([
    [undefined, false, false],
    [undefined, false, false],
    [undefined, true, true],
    [undefined, true, true],
    ['MESSAGE_REFUSED', true, true],
  ])
})

it('says what the broker said', () => {
  const error = blame({ blamed: 4 }, EXPIRATION)
  expect(error).toMatchObject({ data: { replyCode: 406 }, cause: EXPIRATION })
  expect(error?.message).toContain('invalid expiration')
})

it('counts from the start again after a loss that blames nobody', () => {
  const entry = { blamed: 4 }
  expect(blame(entry, reason('read ECONNRESET'))).toBeUndefined()
  expect(entry.blamed).toBe(0)
})

describe('a search', () => {
  const suspect = { blamed: 3 }
  afterEach(() => vi.useRealTimers())

  it('sends one when nothing is on the wire, and nothing else before its answer', () => {
    const suspects = new PoisonSearch<{ blamed: number }>()
    expect(suspects.isSearching(5)).toBe(false)
    suspects.take(suspect)
    expect([suspects.isSearching(5), suspects.next(5)]).toEqual([true, undefined])
    expect([suspects.isSearching(0), suspects.next(0)]).toEqual([true, suspect])
    expect(suspects.isSearching(1)).toBe(true)
    expect(suspects.isSearching(0)).toBe(false)
  })

  it('that stands still for 2 s ends, and all go with others again', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const suspects = new PoisonSearch<{ blamed: number }>()
    const [stuck, waiting] = [{ blamed: 3 }, { blamed: 4 }]
    suspects.take(stuck)
    suspects.isSearching(0)
    expect(suspects.next(0)).toBe(stuck)
    suspects.take(waiting)
    vi.advanceTimersByTime(1900)
    suspects.answered()
    vi.advanceTimersByTime(1900)
    expect(suspects.release([stuck])).toBeUndefined()
    vi.advanceTimersByTime(200)
    expect(suspects.release([stuck])).toEqual([waiting])
    expect([stuck.blamed, waiting.blamed, suspects.length, suspects.isSearching(1)]).toEqual([0, 0, 0, false])
  })
})
