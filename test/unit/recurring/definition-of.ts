import type { RecurringDefinition } from '../../../src/recurring/definition.js'

/** A definition with this and otherwise the least; without `cron` or `everyMs` in it, that of every hour. */
export function definitionOf(given: Partial<RecurringDefinition>): RecurringDefinition {
  return {
    ...(given.cron === undefined && { everyMs: 3_600_000 }),
    id: 'report',
    revision: 7,
    name: 'report.wanted',
    version: 1,
    body: '{"patient":"Ada"}',
    to: { queue: 'reports' },
    headers: {},
    priority: undefined,
    since: 0,
    counted: 0,
    jitterMs: 0,
    catchUp: 'once',
    catchUpWindowMs: 604_800_000,
    expiresInMs: undefined,
    paused: false,
    note: undefined,
    ...given,
  }
}
