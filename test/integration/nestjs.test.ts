import { Injectable } from '@nestjs/common'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineMessage, type Delivery } from '../../src/index.js'
import { DuequeModule, InjectDueque, OnMessage, type DuequeConnection } from '../../src/nestjs/index.js'
import { poll, useVhost } from '../support/broker.js'
import { rawChannel } from '../support/mq.js'
import { startNest } from '../support/nest-app.js'

const vhost = useVhost()

const reminder = defineMessage('reminder', z.object({ patient: z.string() }))

test('an application schedules, retries and handles, and drains when it closes', async () => {
  const events: string[] = []
  let finish = () => undefined as void
  const finished = new Promise<void>((resolve) => (finish = resolve))
  @Injectable()
  class Reminders {
    constructor(@InjectDueque() readonly mq: DuequeConnection) {}

    @OnMessage(reminder, { queue: 'nest.reminders', retry: { attempts: 2, backoff: 10 } })
    async remind({ payload, attempt, latenessMs }: Delivery<{ patient: string }>) {
      events.push(`${payload.patient}, attempt ${attempt}, ${latenessMs < 0 ? 'early' : 'not early'}`)
      if (attempt === 1) throw new Error('once more')
      await finished
      events.push('end')
    }
  }
  const app = await startNest({ imports: [DuequeModule.forRoot({ url: vhost.url })], providers: [Reminders] })
  await app.get(Reminders).mq.schedule(reminder, { patient: 'p-7' }, { to: { queue: 'nest.reminders' }, in: 100 })
  await poll(() => events.length === 2, { timeoutMs: 30_000, what: 'the second attempt' })
  const closing = app.close()
  finish()
  await closing
  expect(events).toEqual(['p-7, attempt 1, not early', 'p-7, attempt 2, not early', 'end'])
  const channel = await rawChannel(vhost.url)
  expect(await channel.checkQueue('nest.reminders')).toMatchObject({ messageCount: 0, consumerCount: 0 })
})
