import { expect, test } from 'vitest'
import { isOlder, parseVersion, type Version } from '../../../src/base/version.js'

test.each([
  ['4.3.6', [4, 3, 6]],
  ['4.3.6+1.gabc', [4, 3, 6]],
  ['4.0.0-rc.1', [4, 0, 0]],
  ['7.2', [7, 2, 0]],
  ['16', [16, 0, 0]],
  ['', undefined],
  ['unknown', undefined],
])('%s is %j', (text, version) => {
  expect(parseVersion(text)).toEqual(version)
})

test.each<[Version, Version, boolean]>([
  [[3, 10, 1], [3, 10, 2], true],
  [[3, 10, 2], [3, 10, 2], false],
  [[3, 11, 0], [3, 10, 2], false],
  [[2, 99, 99], [3, 0, 0], true],
  [[4, 0, 0], [3, 10, 2], false],
])('whether %j is older than %j: %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older)
})
