import { expect, it } from 'vitest'
import { SharedRuns } from '../../../src/base/shared-runs.js'

it('runs one work for each key at a time, for all who come meanwhile', async () => {
  const runs = new SharedRuns<string>()
  const ends: ((error?: Error) => void)[] = []
  const work = () => new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())))
  const [first, second, other] = [runs.do('a', work), runs.do('a', work), runs.do('b', work)]
  await expect.poll(() => ends.length).toBe(2)
  ends[0]!(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  await expect(second).rejects.toThrow('failed')
  ends[1]!()
  await other
  const later = runs.do('a', work)
  await expect.poll(() => ends.length).toBe(3)
  ends[2]!()
  await later
})

it('runs it once, although the work asks for its own key as it begins', async () => {
  const runs = new SharedRuns<string>()
  let count = 0
  const work = () => {
    if (++count < 3) void runs.do('a', work)
    return Promise.resolve()
  }
  await runs.do('a', work)
  expect(count).toBe(1)
})
