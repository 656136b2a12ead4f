import { AsyncResource } from 'node:async_hooks'
import { STATE, type Publication } from '../../../../src/amqp/publish/publication.js'

/** A publication without a waiting caller. */
export function publication(more: Partial<Publication> = {}): Publication {
  return {
    message: { id: 'i', revision: 1, body: new Uint8Array(10) },
    plan: { prepare: () => Promise.resolve(), safeAt: () => 0 },
    signal: undefined,
    timeoutMs: 1000,
    startedAt: 0,
    end: { confirmed: () => undefined, failed: () => undefined },
    state: STATE.queued,
    slot: -1,
    exchange: 'e',
    epoch: 0,
    sentAt: 0,
    attempts: 0,
    refusals: 0,
    isUnanswered: false,
    context: new AsyncResource('test'),
    ...more,
  }
}
