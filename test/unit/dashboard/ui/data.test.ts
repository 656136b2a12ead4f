import { describe, expect, test } from 'vitest'
import type { Job } from '../../../../src/dashboard/api.js'
import { INITIAL, reduceLive, type LiveState } from '../../../../src/dashboard/ui/data/live-state.js'
import { apiUrl } from '../../../../src/dashboard/ui/data/request.js'
import { pauseAfter } from '../../../../src/dashboard/ui/data/pause-after.js'
import { hrefOf, parseRoute } from '../../../../src/dashboard/ui/data/hash-route.js'

test('a query leaves out what is missing, and repeats a list', () => {
  const query = { name: 'a&b=c', id: ['1', '2'], cursor: undefined, empty: '', none: null, offset: 0 }
  expect(apiUrl('failed/list', query)).toBe('api/failed/list?name=a%26b%3Dc&id=1&id=2&offset=0')
  expect(apiUrl('about')).toBe('api/about')
})

test('a slow answer is asked for less often', () => {
  expect([pauseAfter(50, 5000), pauseAfter(1250, 5000), pauseAfter(20_000, 5000)]).toEqual([5000, 5000, 80_000])
})

describe('routes', () => {
  test.each([
    ['', 'overview'],
    ['#/dead', 'dead'],
    ['#/nonsense', 'overview'],
    ['#/waiting?id=x', 'waiting'],
  ])('%j is the page %s', (hash, page) => expect(parseRoute(hash).page).toBe(page))

  test('a hostile id comes back whole', () => {
    const message = 'a?b#c&d=%\u202e"<script>'
    const href = hrefOf('waiting', { message, revision: 7 })
    expect(parseRoute(href).query.get('message')).toBe(message)
    expect(parseRoute(href).page).toBe('waiting')
  })
})

describe('what the server tells', () => {
  const job = (id: string, state: Job['state'], startedAt = '2026-11-30T08:00:00Z'): Job => {
    return { id, state, startedAt, what: 'Cancel', needs: 'cancel', done: 0, of: 1, outcomes: {} }
  }
  const after = (...changes: Parameters<typeof reduceLive>[1][]): LiveState => changes.reduce(reduceLive, INITIAL)

  test('a job that ends has everything asked again, once', () => {
    const running = after({ job: job('a', 'running') })
    expect(running.generation).toBe(0)
    const ended = reduceLive(running, { job: job('a', 'done') })
    expect(ended.generation).toBe(1)
    expect(reduceLive(ended, { job: job('a', 'done') }).generation).toBe(1)
  })

  test('a job that has ended does not run again by an older answer', () => {
    const { jobs } = after({ job: job('a', 'done') }, { job: job('a', 'running') })
    expect(jobs.map(({ state }) => state)).toEqual(['done'])
  })

  test('of the list, jobs that ended before the viewer came are no news', () => {
    const list = [job('old', 'done'), job('b', 'running', '2026-11-30T09:00:00Z'), job('a', 'done')]
    const { jobs } = after({ job: job('a', 'running') }, { jobs: list })
    expect(jobs.map(({ id }) => id)).toEqual(['b', 'a'])
  })

  test('a job that a server which was started anew does not know is gone, unless it has ended', () => {
    const before = after({ job: job('a', 'running') }, { job: job('b', 'done') })
    expect(reduceLive(before, { jobs: [] }).jobs.map(({ id }) => id)).toEqual(['b'])
  })

  test('everything is asked again when the connection is back, and not when it is first there', () => {
    const open = { connection: { state: 'open', nextTryAt: undefined } } as const
    const lost = { connection: { state: 'lost', nextTryAt: 1 } } as const
    expect(after(open).generation).toBe(0)
    expect(after(open, lost).generation).toBe(0)
    expect(after(open, lost, open).generation).toBe(1)
  })
})
