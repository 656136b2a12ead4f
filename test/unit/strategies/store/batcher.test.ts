import { expect, test } from 'vitest'
import { Batcher } from '../../../../src/strategies/store/batcher.js'

/** Each batch, with the function that ends it. */
function recorded() {
  const runs: { batch: readonly number[]; end: () => void }[] = []
  const batches = new Batcher<number>((batch) => new Promise((resolve) => runs.push({ batch, end: resolve })))
  return { runs, batches }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('items of one turn form one batch, and items that arrive meanwhile form the next', async () => {
  const { runs, batches } = recorded()
  const done: number[] = []
  const add = (item: number) => void batches.add(item).then(() => done.push(item))
  for (const item of [1, 2, 3]) add(item)
  await turn()
  for (const item of [4, 5]) add(item)
  await turn()
  expect(runs.map(({ batch }) => batch)).toEqual([[1, 2, 3]])
  expect(done).toEqual([])
  runs[0]!.end()
  await turn()
  expect(done).toEqual([1, 2, 3])
  expect(runs.map(({ batch }) => batch)).toEqual([
    [1, 2, 3],
    [4, 5],
  ])
  runs[1]!.end()
  await turn()
  expect(done).toEqual([1, 2, 3, 4, 5])
  add(6)
  await turn()
  expect(runs.at(-1)!.batch).toEqual([6])
})
