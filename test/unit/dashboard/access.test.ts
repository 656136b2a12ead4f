import { expect, test } from 'vitest'
import { permissionsOf } from '../../../src/dashboard/access.js'
import { isDuequeError } from '../../../src/index.js'

const sorted = (access: unknown) => [...(permissionsOf(access) ?? ['nobody'])].sort()

test.each([
  ['none', ['nobody']],
  ['read', []],
  ['all', ['cancel', 'payloads', 'purge', 'recurring', 'redrive', 'reschedule']],
  [{}, []],
  [{ cancel: true, purge: false, payloads: undefined }, ['cancel']],
])('%j', (access, permissions) => {
  expect(sorted(access)).toEqual(permissions)
})

test.each([undefined, null, true, 'write', '', 1, [], ['cancel'], { cancel: 'yes' }, { purgeall: true }])(
  '%j is no access, and lets nobody in',
  (access) => {
    let thrown: unknown
    try {
      permissionsOf(access)
    } catch (error) {
      thrown = error
    }
    expect(isDuequeError(thrown, 'INVALID_OPTION')).toBe(true)
  },
)
