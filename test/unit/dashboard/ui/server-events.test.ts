import { expect, onTestFinished, test, vi } from 'vitest'
import type { Job } from '../../../../src/dashboard/api.js'
import { ServerEvents, type Connection } from '../../../../src/dashboard/ui/data/server-events.js'

/** An `EventSource` whose server is the test. */
class Source extends EventTarget {
  static readonly OPEN = 1
  readyState = 0

  constructor() {
    super()
    sources.push(this)
  }

  opens(): void {
    this.readyState = Source.OPEN
    this.dispatchEvent(new Event('open'))
  }

  tells(name: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }))
  }

  close(): void {
    this.readyState = 2
  }
}

let sources: Source[] = []
let page = Object.assign(new EventTarget(), { hidden: false })

/** A page whose connection the test sees. */
function open({ hidden = false } = {}) {
  sources = []
  page = Object.assign(new EventTarget(), { hidden })
  const globals = { EventSource: Source, document: page, addEventListener: vi.fn(), removeEventListener: vi.fn() }
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
  const states: Connection['state'][] = []
  const connection = ({ state }: Connection) => void states.push(state)
  const jobs = vi.fn<(jobs: readonly Job[]) => void>()
  const events = new ServerEvents({ overview: vi.fn(), job: vi.fn(), jobs, connection })
  onTestFinished(() => {
    events.stop()
    vi.unstubAllGlobals()
  })
  return { states, jobs }
}

function show(isShown: boolean): void {
  page.hidden = !isShown
  page.dispatchEvent(new Event('visibilitychange'))
}

test('a hidden page has no connection, and says when it has one again', () => {
  const { states } = open()
  sources[0]!.opens()
  show(false)
  expect(sources[0]!.readyState).toBe(2)
  show(true)
  sources[1]!.opens()
  expect(states).toEqual(['open', 'connecting', 'open'])
})

test('a page that is opened hidden connects when it is shown', () => {
  open({ hidden: true })
  expect(sources).toHaveLength(0)
  show(true)
  expect(sources).toHaveLength(1)
})

test('a connection that was lost before the page was hidden is still lost until it is back', () => {
  const { states } = open()
  sources[0]!.dispatchEvent(new Event('error'))
  show(false)
  show(true)
  sources.at(-1)!.opens()
  expect(states).toEqual(['lost', 'open'])
})

test('a stream that the server ends goes on in another one, and is not lost meanwhile', () => {
  const { states, jobs } = open()
  sources[0]!.opens()
  sources[0]!.tells('again', {})
  expect([sources.length, sources[0]!.readyState]).toEqual([2, 2])
  sources[1]!.opens()
  expect(states).toEqual(['open', 'open'])
  // Of what happened between the two.
  sources[1]!.tells('jobs', { jobs: [{ id: 'a' }] })
  expect(jobs).toHaveBeenCalledExactlyOnceWith([{ id: 'a' }])
})

test('a server that does not answer a new stream is lost', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { states } = open()
  sources[0]!.opens()
  sources[0]!.tells('again', {})
  vi.advanceTimersByTime(30_000)
  expect(states).toEqual(['open', 'lost'])
})
