import { expect, test } from 'vitest'
import { WaitingSource } from '../../../src/dashboard/waiting-source.js'

test.each(['ladder', 'plugin'])('without a journal, the strategy %s is told how to have one', async (name) => {
  const source = new WaitingSource({ options: { strategy: { name } } } as never, {} as never)
  const { list, hint } = await source.about()
  expect([list, hint]).toEqual([false, expect.stringContaining(`${name}({ journal: true })`)])
  await expect(source.needed()).rejects.toMatchObject({ status: 409, code: 'NO_LIST' })
})
