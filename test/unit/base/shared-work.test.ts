import { expect, it } from 'vitest'
import { SharedWork } from '../../../src/base/shared-work.js'

it('does one work at a time, and the next for all who came meanwhile', async () => {
  const works: { items: readonly number[]; end: (error?: Error) => void }[] = []
  const shared = new SharedWork<number>(
    (items) =>
      new Promise((resolve, reject) => works.push({ items, end: (error) => (error ? reject(error) : resolve()) })),
  )
  const [first, second, third] = [shared.do(1), shared.do(2), Promise.resolve().then(() => shared.do(3))]
  await Promise.resolve()
  const late = new Promise((resolve) => setImmediate(() => resolve(Promise.all([shared.do(4), shared.do(5)]))))
  await new Promise((resolve) => setImmediate(resolve))
  expect(works.map(({ items }) => items)).toHaveLength(1)
  expect(works[0]!.items.slice(0, 2)).toEqual([1, 2])
  works[0]!.end(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  await expect(second).rejects.toThrow('failed')
  await new Promise((resolve) => setImmediate(resolve))
  expect(works).toHaveLength(2)
  works[1]!.end()
  await Promise.allSettled([third, late])
  expect(works.flatMap(({ items }) => items)).toEqual([1, 2, 3, 4, 5])
  await shared.settled()
})
