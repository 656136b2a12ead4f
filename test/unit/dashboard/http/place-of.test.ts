import { expect, test } from 'vitest'
import { placeOf } from '../../../../src/dashboard/http/place-of.js'

const page = { kind: 'page' }
const slash = (location: string) => ({ kind: 'slash', location })
const api = (route: string) => ({ kind: 'api', route })
const file = (name: string) => ({ kind: 'file', name })

test.each([
  ['/', page],
  ['/dueque/', page],
  ['/dueque', slash('./dueque/')],
  ['/a/b', slash('./b/')],
  ['/api/overview', api('overview')],
  ['/dueque/api/waiting/count', api('waiting/count')],
  ['/api/dueque/api/about', api('about')],
  ['/api/dueque/', page],
  ['/ui/main.js', file('main.js')],
  ['/ui/admin/ui/dashboard/ui/main.js', file('main.js')],
  ['/x/ui/vendor/hooks.module.js', file('vendor/hooks.module.js')],
  ['/ui/', page],
  ['/ui', slash('./ui/')],
  // What could be read as another host or scheme leads to this one.
  ['//evil.example', slash('./evil.example/')],
  ['/javascript:alert(1)', slash('./javascript:alert(1)/')],
  ['/api/Overview', slash('./Overview/')],
])('%s', (path, place) => {
  expect(placeOf(path)).toEqual(place)
})
