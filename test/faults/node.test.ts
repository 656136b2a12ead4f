import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PrivateNode } from '../../scripts/broker/private-node.js'
import { Declarer } from '../../src/amqp/topology/declarer.js'
import { parseEndpoints } from '../../src/amqp/connection/endpoint.js'
import { Layout } from '../../src/amqp/topology/layout.js'
import { Names } from '../../src/amqp/topology/names.js'
import { openConnection } from '../../src/amqp/connection/operator-connection.js'
import { on } from '../../src/index.js'
import { redis } from '../../src/strategies/redis/index.js'
import { resolveOptions } from '../../src/options.js'
import { poll, startNode } from '../support/broker.js'
import { failure, open } from '../support/mq.js'
import { useRedis } from '../support/redis.js'
import { note, scheduleNotes, unique } from '../strategies/recorder.js'
import { useRedisClient } from '../strategies/redis-client.js'
import { AtWork } from './at-work.js'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const noNode = process.env['DUEQUE_RABBITMQ_BIN'] === undefined

describe.skipIf(noNode)('a private broker (skipped if DUEQUE_RABBITMQ_BIN is not set)', () => {
  let node: PrivateNode
  beforeAll(async () => {
    node = (await startNode({ management: false }))!
  })
  afterAll(() => node.stop())

  const alarms = [
    { what: 'memory', command: 'set_vm_memory_high_watermark', raise: '0.000001', clear: '0.6' },
    { what: 'disk', command: 'set_disk_free_limit', raise: '1000000000000000', clear: '50000000' },
  ]
  test.each(alarms)(
    '$what alarm: schedules fail in time, waiting messages arrive, and everything goes on when it is over',
    async ({ what, command, raise, clear }) => {
      const work = await AtWork.start(node.url, { publishTimeoutMs: 3000 })
      onTestFinished(async () => {
        await node.ctl(command, clear)
      })
      const { load, handled } = work
      await node.ctl(command, raise)
      await work.sees('blocked')
      expect(work.mq.health()).toMatchObject({
        ok: false,
        producer: 'blocked',
        consumer: 'up',
        blockedBy: expect.stringContaining(what) as string,
      })
      await poll(() => load.failed.size > 50, { what: 'schedules that fail', timeoutMs: 60_000 })
      const waiting = [...load.confirmed]
      await poll(() => waiting.every((n) => handled.has(n)), { what: 'all that waits', timeoutMs: 60_000 })
      expect(work.mq.health().producer).toBe('blocked')
      await node.ctl(command, clear)
      await work.sees('unblocked')
      await work.flows('after the alarm')
      await work.account()
      for (const error of load.failures) {
        expect(error).toMatchObject({
          code: 'PUBLISH_TIMEOUT',
          outcome: expect.stringMatching('^(unknown|refused)$') as string,
        })
      }
    },
  )

  describe('with a store', () => {
    const server = useRedis()
    const client = useRedisClient(server)

    test('a retry that is due at once is published once, however long an alarm lasts', async () => {
      const strategy = redis({ client: client(), prefix: `${server.prefix}:alarm` })
      const mq = await open(node.url, { strategy, publishTimeoutMs: 1000 })
      const [queue, events] = [unique('alarm'), [] as string[]]
      mq.on('blocked', () => events.push('blocked'))
      mq.on('error', ({ code }) => events.push(`error ${code}`))
      const attempts: number[] = []
      let fail: ((error: Error) => void) | undefined
      const handler = on(note, async ({ attempt, payload: { n } }) => {
        attempts.push(n)
        if (n === 1 && attempt === 1) await new Promise((_, reject) => (fail = reject))
      })
      const consumer = await mq.consume(queue, [handler], { retry: { backoff: 0 } })
      await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
      await poll(() => fail, { what: 'the first attempt' })
      onTestFinished(async () => {
        await node.ctl('set_vm_memory_high_watermark', '0.6')
      })
      await node.ctl('set_vm_memory_high_watermark', '0.000001')
      fail!(new Error('not yet'))
      await poll(() => events.includes('blocked'), { what: 'the alarm' })
      // Four times the timeout.
      await pause(4000)
      await node.ctl('set_vm_memory_high_watermark', '0.6')
      await poll(() => attempts.length >= 2, { what: 'the second attempt' })
      // Data that were written before are read before.
      await mq.schedule(note, { n: 2 }, { to: { queue }, in: 0 })
      await poll(() => attempts.includes(2), { what: 'the message behind it' })
      expect(attempts).toEqual([1, 1, 2])
      expect(consumer.stats()).toMatchObject({ suppressed: 0, following: 0 })
      expect(events).toEqual(['blocked'])
    })
  })

  test('restarted gracefully: schedules wait for it, each message is handled once', async () => {
    const work = await AtWork.start(node.url)
    await node.shutdown()
    await work.sees('disconnected')
    await node.restart()
    await work.flows('after the restart')
    await work.account()
    expect(work.load.failures).toEqual([])
    expect(work.events).toContain('reconnected')
  })

  // As for an instant where another client declares it: rabbit_amqqueue:absent/2.
  test('a queue that the broker reports as down is declared when it comes back, and refused if it does not', async () => {
    const queue = unique('away')
    const becomes = (state: 'crashed' | 'live') =>
      node.ctl(
        'eval',
        `Name = rabbit_misc:r(<<"/">>, queue, <<"${queue}">>), Set = fun (Q) -> amqqueue:set_state(Q, ${state}) end,
          case code:is_loaded(rabbit_db_queue) of
            false -> rabbit_misc:execute_mnesia_transaction(fun () -> rabbit_amqqueue:update(Name, Set) end);
            _ -> rabbit_db_queue:update(Name, Set)
          end.`,
      )
    const settings = { ...resolveOptions({}), endpoints: parseEndpoints(node.url) }
    const connection = await openConnection(settings)
    onTestFinished(() => connection.close())
    const declarerThat = (readies: () => Promise<unknown>) =>
      new Declarer(
        new Proxy(connection, {
          get(target, name) {
            if (name === 'ready') return () => readies().then(() => connection.ready())
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          },
        }),
        settings,
      )
    const part = new Layout(new Names('dueque'), 'quorum').workQueue(queue).find(({ name }) => name === queue)
    let tries = 0
    const patient = declarerThat(() => Promise.resolve(tries++))
    await patient.declare(part!)
    expect(tries).toBe(1)
    await becomes('crashed')
    const error = await failure(patient.declare(part!))
    expect(error).toMatchObject({ code: 'BROKER_ERROR', message: expect.stringContaining('has crashed') as string })
    expect(tries).toBe(6)
    tries = 0
    await declarerThat(async () => ++tries === 2 && becomes('live')).declare(part!)
    expect(tries).toBe(2)
  })

  test('consumer_timeout: the broker takes the message back, the consumer goes on, the handler runs once', async () => {
    const set = (timeoutMs: number, tickMs: number) => {
      const settings = { consumer_timeout: timeoutMs, channel_tick_interval: tickMs }
      const expressions = Object.entries(settings).map(([name, ms]) => `application:set_env(rabbit, ${name}, ${ms})`)
      return node.ctl('eval', `${expressions.join(', ')}.`)
    }
    await set(3000, 1000)
    onTestFinished(async () => {
      await set(1_800_000, 60_000)
    })
    const queue = unique('slow')
    const mq = await open(node.url)
    let finish: (() => void) | undefined
    const handled: number[] = []
    const consumer = await mq.consume(queue, [
      on(note, async ({ payload: { n } }) => {
        handled.push(n)
        if (n === 0) await new Promise<void>((resolve) => (finish = resolve))
      }),
    ])
    await scheduleNotes(mq, queue, [0])
    await poll(() => consumer.stats().following >= 1, { what: 'the copy', timeoutMs: 120_000 })
    finish!()
    await poll(() => consumer.stats().suppressed >= 1, { what: 'the copy to be suppressed', timeoutMs: 60_000 })
    await mq.schedule(note, { n: 1 }, { to: { queue }, in: 0 })
    await poll(() => handled.includes(1), { what: 'the next message', timeoutMs: 60_000 })
    expect(handled).toEqual([0, 1])
  })
})
