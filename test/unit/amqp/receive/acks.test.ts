import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Acks } from '../../../../src/amqp/receive/acks.js'

/** Settles as RabbitMQ does: an unknown tag, or a multiple ack without unacked messages, closes the channel. */
function channelOf(delivered: number) {
  const unsettled = new Set(Array.from({ length: delivered }, (_, i) => i + 1))
  const acked: number[] = []
  const requeued: number[] = []
  let frames = 0
  const take = (tag: number, into: number[]) => {
    if (!unsettled.delete(tag)) throw new Error(`406 PRECONDITION_FAILED: unknown delivery tag ${tag}`)
    into.push(tag)
  }
  return {
    unsettled,
    acked,
    requeued,
    get frames() {
      return frames
    },
    ack(tag: number, upTo: boolean) {
      frames++
      if (upTo) for (const earlier of [...unsettled]) if (earlier < tag) take(earlier, acked)
      take(tag, acked)
    },
    requeue(tag: number) {
      frames++
      take(tag, requeued)
    },
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('Acks', () => {
  it('settles messages that finished in order with one frame', () => {
    const channel = channelOf(20)
    const acks = new Acks<number>(channel, 100)
    for (let tag = 1; tag <= 20; tag++) acks.ack(tag, tag)
    expect(channel.frames).toBe(0)
    vi.advanceTimersByTime(5)
    expect(channel.frames).toBe(1)
    expect(channel.acked).toHaveLength(20)
  })

  it('does not ack a delivery that is still being handled', () => {
    const channel = channelOf(4)
    const acks = new Acks<number>(channel, 100)
    for (const tag of [1, 3, 4]) acks.ack(tag, tag)
    acks.flush()
    expect(channel.acked).toEqual([1, 3, 4])
    acks.ack(2, 2)
    acks.flush()
    expect(channel.unsettled.size).toBe(0)
  })

  it('does not wait if the broker could send no more messages meanwhile', () => {
    const channel = channelOf(2)
    const acks = new Acks<number>(channel, 1)
    acks.ack(1, 1)
    expect(channel.acked).toEqual([1])
  })

  it('requeues at once', () => {
    const channel = channelOf(2)
    const acks = new Acks<number>(channel, 100)
    acks.requeue(2, 2)
    expect(channel.requeued).toEqual([2])
    acks.ack(1, 1)
    vi.advanceTimersByTime(5)
    expect(channel.acked).toEqual([1])
  })

  it('settles each delivery once and by its own outcome, in any order', () => {
    const step = fc.record({ requeue: fc.boolean(), flush: fc.boolean(), order: fc.double({ noNaN: true }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 200 }), (steps, prefetch) => {
        const channel = channelOf(steps.length)
        const acks = new Acks<number>(channel, prefetch)
        const shuffled = steps.map((one, i) => ({ ...one, tag: i + 1 })).sort((a, b) => a.order - b.order)
        for (const { tag, requeue, flush } of shuffled) {
          if (requeue) acks.requeue(tag, tag)
          else acks.ack(tag, tag)
          if (flush) acks.flush()
        }
        acks.flush()
        const wanted = (back: boolean) => shuffled.filter((one) => one.requeue === back).map(({ tag }) => tag)
        expect(new Set(channel.acked)).toEqual(new Set(wanted(false)))
        expect(new Set(channel.requeued)).toEqual(new Set(wanted(true)))
      }),
    )
  })
})
