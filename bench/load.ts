import {
  defineMessage,
  type Dueque,
  type LadderStrategy,
  type Receipt,
  type ScheduleItem,
  type ScheduleOptions,
} from 'dueque'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

export const BODY_BYTES = 200
const STEP_MS = 5

/** The message of every scenario. `n` is its number; a negative number is for warming up. */
export const sample = defineMessage('bench.sample', z.object({ n: z.number(), text: z.string() }))

export interface Payload {
  n: number
  text: string
}

/** A payload whose JSON has {@link BODY_BYTES} bytes. */
export function payloadOf(n: number): Payload {
  return { n, text: 'x'.repeat(BODY_BYTES - JSON.stringify({ n, text: '' }).length) }
}

export function bodyOf(n: number): Buffer {
  return Buffer.from(JSON.stringify(payloadOf(n)))
}

/** 1 to 10 seconds, in ms. */
export function randomDelayMs(): number {
  return randomInt(1_000, 10_001)
}

/** Items of prepared payloads. */
export function* items(
  payloads: readonly Payload[],
  optionsFor: (n: number) => ScheduleOptions,
): Generator<ScheduleItem<Payload>> {
  for (const payload of payloads) yield { message: sample, payload, options: optionsFor(payload.n) }
}

/** Payloads from 0, created as they are read. */
export function* payloadItems(
  count: number,
  options: (n: number) => ScheduleOptions,
): Generator<ScheduleItem<Payload>> {
  for (let n = 0; n < count; n++) yield { message: sample, payload: payloadOf(n), options: options(n) }
}

/** The same at a steady rate, a few every few milliseconds. */
export async function* steadyItems(
  rate: number,
  count: number,
  options: (n: number) => ScheduleOptions,
): AsyncGenerator<ScheduleItem<Payload>> {
  const start = performance.now()
  for (let n = 0; n < count;) {
    const dueNow = Math.min(count, Math.floor(((performance.now() - start) * rate) / 1000))
    for (; n < dueNow; n++) yield { message: sample, payload: payloadOf(n), options: options(n) }
    await sleep(STEP_MS)
  }
}

/** Schedules all items; the first failure rejects. */
export async function scheduleEvery(
  mq: Dueque,
  source: Iterable<ScheduleItem<Payload>> | AsyncIterable<ScheduleItem<Payload>>,
  scheduled: (receipt: Receipt) => void = () => undefined,
): Promise<void> {
  for await (const { receipt, error } of mq.scheduleAll(source)) {
    if (error) throw error
    scheduled(receipt)
  }
}

/** As {@link scheduleEvery}, in batches. */
export async function scheduleInBatches(
  mq: Dueque<LadderStrategy>,
  source: Iterable<ScheduleItem<Payload>> | AsyncIterable<ScheduleItem<Payload>>,
): Promise<void> {
  for await (const { error } of mq.scheduleAll(source, { batch: true })) if (error) throw error
}

/** Declares the queue and the rungs of the delays, and lets the JIT see the hot path. */
export async function warmUp(
  mq: Dueque,
  to: { queue: string },
  count: number,
  delayMs: () => number = randomDelayMs,
): Promise<void> {
  const payloads = Array.from({ length: count }, () => payloadOf(-1))
  await scheduleEvery(
    mq,
    items(payloads, () => ({ to, in: delayMs(), declare: true })),
  )
}
