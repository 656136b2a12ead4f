import { afterEach, expect, test, vi } from 'vitest'
import { Progress } from '../../../src/cli/progress.js'

afterEach(() => void vi.restoreAllMocks())

/** What is written for a progress that is `shown`. */
function written(shown: boolean, work: (progress: Progress) => void): string[] {
  const texts: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => texts.push(String(text)) > 0)
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const progress = new Progress('scheduling', 'confirmed', shown)
  now.mockReturnValue(2000)
  work(progress)
  return texts
}

test('a bar shows the phase, the share, the count and the rate', () => {
  const [line] = written(true, (progress) => progress.update(3000, 0.5))
  expect(line).toBe(`\r\x1b[Kscheduling  ${'█'.repeat(12)}${'░'.repeat(12)}  50 %  3,000 confirmed  1,500/s`)
})

test('the next phase is shown at once, with the counts so far', () => {
  const lines = written(true, (progress) => {
    progress.update(3000)
    progress.update(3001)
    progress.phase('waiting for confirms')
  })
  expect(lines.map((line) => line.replace('\r\x1b[K', ''))).toEqual([
    'scheduling  3,000 confirmed  1,500/s',
    'waiting for confirms  3,001 confirmed  1,501/s',
  ])
})

test('a phase with other counts begins at none of them, and has a rate of its own', () => {
  const lines = written(true, (progress) => {
    progress.update(3000, 1)
    progress.phase('reading', 'records')
    vi.spyOn(performance, 'now').mockReturnValue(4000)
    progress.update(100)
  })
  expect(lines.slice(1).map((line) => line.replace('\r\x1b[K', ''))).toEqual([
    'reading  0 records  0/s',
    'reading  100 records  50/s',
  ])
})

test('nothing is written where nobody looks, and a phase alone draws no bar', () => {
  const work = (progress: Progress) => {
    progress.phase('settling')
    progress.end()
  }
  expect(written(true, work)).toEqual([])
  expect(written(false, (progress) => progress.update(1))).toEqual([])
})
