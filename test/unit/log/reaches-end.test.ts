import { expect, it } from 'vitest'
import { reachesEnd } from '../../../src/log/reaches-end.js'

it('gives up a reader from which nothing comes, and lets it know', async () => {
  let [read, looks] = [0, 0]
  const overs: (AbortSignal | undefined)[] = []
  const reached = (over?: AbortSignal) => {
    overs.push(over)
    return new Promise<void>(() => undefined)
  }
  // Records come for a while.
  const count = () => (++looks <= 4 ? ++read : read)
  expect(await reachesEnd({ reached }, count, 1)).toBe(false)
  expect(looks).toBeGreaterThan(4)
  expect(overs.map((over) => over?.aborted)).toEqual([true])
})

it('tells a reader that has come to its end nothing', async () => {
  let over: AbortSignal | undefined
  const reached = (given?: AbortSignal) => {
    over = given
    return Promise.resolve()
  }
  expect(await reachesEnd({ reached }, () => 0, 1000)).toBe(true)
  expect(over?.aborted).toBe(false)
})
