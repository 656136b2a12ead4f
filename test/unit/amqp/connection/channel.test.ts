import { EventEmitter } from 'node:events'
import type { Channel } from 'amqplib'
import { expect, it } from 'vitest'
import { RecoveringChannel } from '../../../../src/amqp/connection/channel.js'
import type { AmqpConnection } from '../../../../src/amqp/connection/connection.js'

it('each close resolves when the channel is closed, so that no connection closes before it', async () => {
  let answer: () => void = () => undefined
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const channel = Object.assign(new EventEmitter(), { close: () => answered }) as unknown as Channel
  const connection = {
    closed: false,
    whenUp(up: (model: object) => void) {
      up({})
      return () => undefined
    },
  } as unknown as AmqpConnection
  let isUp: () => void = () => undefined
  const up = new Promise<void>((resolve) => (isUp = resolve))
  const recovering = new RecoveringChannel(connection, {
    open: () => Promise.resolve(channel),
    up: () => isUp(),
    down: () => undefined,
  })
  await up
  const closed: number[] = []
  const closing = [1, 2].map((n) => recovering.close().then(() => closed.push(n)))
  await new Promise((resolve) => setImmediate(resolve))
  expect(closed).toEqual([])
  answer()
  await Promise.all(closing)
  expect(closed).toHaveLength(2)
})
