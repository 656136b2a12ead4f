import { expect, it } from 'vitest'
import { allEnded, endAll } from '../../../src/base/end-all.js'

it('takes every step in turn, and throws the first error at the end', async () => {
  const taken: string[] = []
  const steps = [
    () => void taken.push('a'),
    () => {
      taken.push('b')
      throw new Error('b')
    },
    async () => {
      await Promise.resolve()
      taken.push('c')
      throw new Error('c')
    },
    () => void taken.push('d'),
  ]
  await expect(endAll(steps)).rejects.toThrow('b')
  expect(taken).toEqual(['a', 'b', 'c', 'd'])
  await expect(endAll([() => Promise.reject(undefined)])).rejects.toBeUndefined()
  await endAll(steps.slice(0, 1))
})

it('waits for all ends before it rejects', async () => {
  let end!: () => void
  const later = new Promise<void>((resolve) => (end = resolve))
  let isOver = false
  const ended = allEnded([Promise.reject(new Error('early')), later]).finally(() => (isOver = true))
  ended.catch(() => undefined)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOver).toBe(false)
  end()
  await expect(ended).rejects.toThrow('early')
})
