import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import * as api from '../../src/index.js'

it('the library exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'DuequeError',
    'connect',
    'defineMessage',
    'isDuequeError',
    'ladder',
    'manualClock',
    'memory',
    'on',
    'onAny',
  ])
})

it('the package can be imported by these paths and no others', async () => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { exports, type } = JSON.parse(text) as { exports: unknown; type: string }
  expect(type).toBe('module')
  expect(exports).toEqual({
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './redis': { types: './dist/strategies/redis/index.d.ts', default: './dist/strategies/redis/index.js' },
    './package.json': './package.json',
  })
})
