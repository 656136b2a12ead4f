import { afterEach, describe, expect, it, vi } from 'vitest'
import { isClientFault } from '../../../../src/amqp/connection/failures.js'
import { PoisonSearch, countRefusal, isCandidate } from '../../../../src/amqp/publish/poison-search.js'

const reason = (text: string, code?: number) => Object.assign(new Error(text), code !== undefined && { code })
const EXPIRATION = reason(
  'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - invalid expiration \'soon\'"',
  406,
)
const FAILED = reason('Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"', 541)

it.each([
  [
    'a frame that the broker cannot read',
    reason('Connection closed: 501 (FRAME-ERROR) with message "FRAME_ERROR"', 501),
    true,
  ],
  ['a message that the broker refuses', EXPIRATION, true],
  ['a message on which the code of the broker fails', FAILED, true],
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
  ['a lost network', reason('read ECONNRESET'), false],
  ['nothing', undefined, false],
])('decides whether a message is to blame for %s', (_, error, expected) => {
  expect(isClientFault(error)).toBe(expected)
})

it('sends a message alone after three refusals in a row, and refuses it after two more', () => {
  const entry = { refusals: 0 }
  const search = new PoisonSearch<typeof entry>()
  const seen = [1, 2, 3, 4, 5].map(() => [countRefusal(entry, EXPIRATION)?.code, isCandidate(entry), search.add(entry)])
  expect(seen).toEqual([
    [undefined, false, false],
    [undefined, false, false],
    [undefined, true, true],
    [undefined, true, true],
    ['MESSAGE_REFUSED', true, true],
  ])
})

it('reports the error of the broker', () => {
  const error = countRefusal({ refusals: 4 }, EXPIRATION)
  expect(error).toMatchObject({ data: { replyCode: 406 }, cause: EXPIRATION })
  expect(error?.message).toContain('invalid expiration')
})

it('starts to count again after a loss that no message caused', () => {
  const entry = { refusals: 4 }
  expect(countRefusal(entry, reason('read ECONNRESET'))).toBeUndefined()
  expect(entry.refusals).toBe(0)
})

describe('a search', () => {
  const suspect = { refusals: 3 }
  afterEach(() => vi.useRealTimers())

  it('sends one message when none is in flight, and no other before its answer', () => {
    const search = new PoisonSearch<{ refusals: number }>()
    expect(search.isSearching(5)).toBe(false)
    search.add(suspect)
    expect([search.isSearching(5), search.next(5)]).toEqual([true, undefined])
    expect([search.isSearching(0), search.next(0)]).toEqual([true, suspect])
    expect(search.isSearching(1)).toBe(true)
    expect(search.isSearching(0)).toBe(false)
  })

  it('ends after 2 s without progress, and all messages are sent with others again', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const search = new PoisonSearch<{ refusals: number }>()
    const [stuck, waiting] = [{ refusals: 3 }, { refusals: 4 }]
    search.add(stuck)
    search.isSearching(0)
    expect(search.next(0)).toBe(stuck)
    search.add(waiting)
    vi.advanceTimersByTime(1900)
    search.answered()
    vi.advanceTimersByTime(1900)
    expect(search.endIfStuck([stuck])).toBeUndefined()
    vi.advanceTimersByTime(200)
    expect(search.endIfStuck([stuck])).toEqual([waiting])
    expect([stuck.refusals, waiting.refusals, search.length, search.isSearching(1)]).toEqual([0, 0, 0, false])
  })
})
