import { expect, it } from 'vitest'
import { decideAtGate, type GateView } from '../../../src/forwarding/gate-decision.js'

const NOW = Date.UTC(2030, 0, 1)
const DAY_MS = 86_400_000
const OPEN: GateView = { now: NOW, isOpen: true, isCancelled: false, maxDelayMs: 10 * DAY_MS }
const due = (ms: number, more: { retryIn?: number; expiresIn?: number } = {}) => ({
  dueAt: NOW + ms,
  retryAt: more.retryIn === undefined ? undefined : NOW + more.retryIn,
  expiresAt: more.expiresIn === undefined ? undefined : NOW + more.expiresIn,
})
const foreign = { dueAt: undefined, retryAt: undefined, expiresAt: undefined }

it.each([
  { what: 'due', envelope: due(0), does: { kind: 'forward' } },
  { what: 'overdue for long', envelope: due(-300 * DAY_MS), does: { kind: 'forward' } },
  { what: 'without a due time', envelope: foreign, does: { kind: 'forward' } },
  { what: 'a millisecond early', envelope: due(1), does: { kind: 'hold', until: NOW + 1 } },
  { what: 'early by what is held at most', envelope: due(30_000), does: { kind: 'hold', until: NOW + 30_000 } },
  { what: 'earlier than that', envelope: due(30_001), does: { kind: 'put back', earlyMs: 30_001 } },
  { what: 'due, its retry early', envelope: due(-5, { retryIn: 7 }), does: { kind: 'hold', until: NOW + 7 } },
  { what: 'further away than any wait', envelope: due(11 * DAY_MS), does: { kind: 'dead', reason: 'invalid-due' } },
  {
    what: 'expired at this millisecond',
    envelope: due(-9, { expiresIn: 0 }),
    does: { kind: 'dead', reason: 'expired' },
  },
  { what: 'about to expire', envelope: due(-9, { expiresIn: 1 }), does: { kind: 'forward' } },
  { what: 'expired before it is due', envelope: due(5, { expiresIn: -9 }), does: { kind: 'hold', until: NOW + 5 } },
])('a message that is $what: $does.kind', ({ envelope, does }) => {
  expect(decideAtGate(envelope, OPEN)).toMatchObject(does)
})

it.each([due(0), due(5), due(60_000), due(11 * DAY_MS), due(-9, { expiresIn: -1 }), foreign])(
  'a cancelled message is dropped, early, due or expired, whether the gate is open or not: %j',
  (envelope) => {
    for (const isOpen of [true, false])
      expect(decideAtGate(envelope, { ...OPEN, isOpen, isCancelled: true })).toEqual({ kind: 'drop' })
  },
)

it('while the gate is closed due messages wait, expired ones too, and early ones are held', () => {
  const closed = { ...OPEN, isOpen: false }
  const kinds = [due(0), foreign, due(-9, { expiresIn: -1 }), due(5), due(60_000)].map(
    (envelope) => decideAtGate(envelope, closed).kind,
  )
  expect(kinds).toEqual(['wait', 'wait', 'wait', 'hold', 'put back'])
})
