import { expect, test } from 'vitest'
import { showsPresence } from '../../../../src/operate/restore/presence.js'

const LOST_AT = 1_000_000
const [BEFORE, AFTER, LATER] = [LOST_AT - 1, LOST_AT + 1000, LOST_AT + 61_000]

test.each([
  // An instant, whose journal, when the entry was written, and whether by a restore: whether the target has the message.
  { lostAt: undefined, isOwn: false, at: BEFORE, restored: false, present: true },
  { lostAt: undefined, isOwn: false, at: BEFORE, restored: true, present: true },
  { lostAt: undefined, isOwn: true, at: BEFORE, restored: false, present: false },
  { lostAt: undefined, isOwn: true, at: BEFORE, restored: true, present: true },
  { lostAt: LOST_AT, isOwn: false, at: BEFORE, restored: true, present: false },
  { lostAt: LOST_AT, isOwn: false, at: AFTER, restored: true, present: true },
  { lostAt: LOST_AT, isOwn: true, at: BEFORE, restored: true, present: false },
  { lostAt: LOST_AT, isOwn: true, at: AFTER, restored: true, present: true },
  // The clock of its producer may be ahead.
  { lostAt: LOST_AT, isOwn: true, at: AFTER, restored: false, present: false },
  { lostAt: LOST_AT, isOwn: true, at: LATER, restored: false, present: true },
])('an entry shows that the target has its message: %o', ({ lostAt, isOwn, at, restored, present }) => {
  const entry = { message: undefined as never, written: at * 1000, ...(restored && { restored }) }
  expect(showsPresence(entry, { lostAt, isOwn })).toBe(present)
})
