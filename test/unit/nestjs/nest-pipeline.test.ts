import {
  Catch,
  Controller,
  Get,
  Inject,
  Injectable,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
} from '@nestjs/common'
import { APP_GUARD, Reflector, REQUEST } from '@nestjs/core'
import { map, of, type Observable } from 'rxjs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineMessage, type Delivery } from '../../../src/index.js'
import { DuequeModule, MessageDelivery, MessagePayload, OnAnyMessage, OnMessage } from '../../../src/nestjs/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { startNest } from '../../support/nest-app.js'
import { rejection } from '../thrown.js'

interface Patient {
  patient: string
}
const reminder = defineMessage('reminder', z.object({ patient: z.string() }))
const report = defineMessage('report', z.object({ patient: z.string() }))

/** An application with these providers or controllers. */
async function start(...hosts: Provider[]) {
  const tested = await testDueque()
  const imports = [DuequeModule.forRoot({ connection: tested.mq })]
  const app = await startNest({ imports, providers: hosts })
  return {
    ...tested,
    app,
    /** Delivers messages, one after the other. */
    deliver: async (...patients: string[]) => {
      for (const patient of patients) await tested.mq.schedule(reminder, { patient }, { to: { queue: 'q' }, in: '1s' })
      await tested.clock.advance('1s')
    },
  }
}

class Refused extends Error {}

test('guards, interceptors and pipes run around a method, in the context of the message', async () => {
  const events: unknown[] = []
  @Injectable()
  class Guard implements CanActivate {
    constructor(@Inject(Reflector) readonly reflector: Reflector) {}

    canActivate(context: ExecutionContext) {
      const [delivery] = context.getArgs<[Delivery<Patient>]>()
      const role = this.reflector.get<string>('role', context.getHandler())
      events.push(['guard', context.getType(), context.getClass().name, role, delivery.payload.patient])
      return delivery.payload.patient !== 'p-0'
    }
  }
  class Interceptor implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(map((value: unknown) => events.push(['interceptor', value])))
    }
  }
  class Trim implements PipeTransform {
    transform(value: Patient | Delivery, { type }: ArgumentMetadata) {
      return type === 'body' ? { patient: (value as Patient).patient.trim() } : value
    }
  }
  @UseInterceptors(Interceptor)
  class Reminders {
    @OnMessage(reminder, { queue: 'q', concurrency: 1 })
    @UseGuards(Guard)
    @UsePipes(Trim)
    @SetMetadata('role', 'clerk')
    remind(@MessagePayload() { patient }: Patient, @MessageDelivery() { payload, attempt }: Delivery<Patient>) {
      events.push(['method', patient, payload.patient, attempt])
      return of('answer')
    }
  }
  const { deliver, dead } = await start(Reminders)
  await deliver(' p-7 ', 'p-0')
  expect(events).toEqual([
    ['guard', 'dueque', 'Reminders', 'clerk', ' p-7 '],
    ['method', 'p-7', ' p-7 ', 1],
    ['interceptor', 'answer'],
    ['guard', 'dueque', 'Reminders', 'clerk', 'p-0'],
  ])
  expect(dead('q')).toMatchObject([{ payload: { patient: 'p-0' }, error: 'Forbidden resource' }])
})

test('what a method throws reaches the retry policy as it is, unless a filter handles it', async () => {
  const asked: unknown[] = []
  @Catch(RangeError)
  class Swallow implements ExceptionFilter {
    catch() {
      return 'handled'
    }
  }
  @Catch(TypeError)
  class Translate implements ExceptionFilter {
    catch(error: TypeError): never {
      throw new Refused(error.message)
    }
  }
  const thrown: Record<string, Error> = {
    a: new Refused('no'),
    b: new RangeError('swallowed'),
    c: new TypeError('other'),
  }
  class Reminders {
    @OnMessage(reminder, {
      queue: 'q',
      retry: { attempts: 2, backoff: 1000, retryable: (error) => asked.push(error) < 99 },
    })
    @UseFilters(Swallow, Translate)
    remind({ payload: { patient } }: Delivery<Patient>) {
      throw thrown[patient]!
    }
  }
  const { deliver, clock, dead, delivered } = await start(Reminders)
  await deliver('a', 'b', 'c')
  expect(asked).toEqual([thrown['a'], expect.objectContaining({ message: 'other' })])
  expect(asked[0]).toBe(thrown['a'])
  expect(asked[1]).toBeInstanceOf(Refused)
  await clock.advance('1s')
  expect(dead('q').map(({ error }) => error)).toEqual(['no', 'other'])
  expect(delivered('q').filter(({ error }) => error === undefined)).toHaveLength(1)
})

test('one queue has methods of several providers and controllers, also one for any other message', async () => {
  const seen: string[] = []
  class Reminders {
    @OnMessage(reminder, { queue: 'q' })
    remind({ payload }: Delivery<Patient>) {
      seen.push(`remind ${payload.patient}`)
    }
  }
  @Controller('reports')
  class Reports {
    @Get()
    list() {
      return []
    }

    @OnMessage(report, { queue: 'q', concurrency: 1 })
    @OnAnyMessage({ queue: 'q' })
    report({ name, payload }: Delivery<unknown>) {
      seen.push(`${name} ${(payload as Patient).patient}`)
    }
  }
  const { mq, clock } = await testDueque()
  const imports = [DuequeModule.forRoot({ connection: mq })]
  await startNest({ imports, providers: [Reminders], controllers: [Reports] })
  const other = defineMessage('other', z.object({ patient: z.string() }))
  for (const message of [reminder, report, other])
    await mq.schedule(message, { patient: 'p-7' }, { to: { queue: 'q' }, in: '1s' })
  await clock.advance('1s')
  expect(seen.sort()).toEqual(['other p-7', 'remind p-7', 'report p-7'])
})

test('a request-scoped provider has an instance for each message, for which the delivery is the request', async () => {
  const seen: unknown[] = []
  let instances = 0
  @Injectable({ scope: Scope.REQUEST })
  class Reminders {
    readonly number = ++instances

    constructor(@Inject(REQUEST) readonly request: Delivery<Patient>) {}

    @OnMessage(reminder, { queue: 'q' })
    remind(delivery: Delivery<Patient>) {
      seen.push([this.number, this.request === delivery, delivery.payload.patient])
    }
  }
  const { deliver } = await start(Reminders)
  await deliver('p-1', 'p-2')
  expect(seen).toEqual([
    [1, true, 'p-1'],
    [2, true, 'p-2'],
  ])
})

test('a request-scoped guard of the whole application guards messages too', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class Guard implements CanActivate {
    constructor(@Inject(REQUEST) readonly request: Delivery<Patient>) {}

    canActivate() {
      return this.request.payload.patient !== 'p-0'
    }
  }
  const seen: string[] = []
  class Reminders {
    @OnMessage(reminder, { queue: 'q' })
    remind({ payload }: Delivery<Patient>) {
      seen.push(payload.patient)
    }
  }
  const { mq, clock, dead } = await testDueque()
  const imports = [DuequeModule.forRoot({ connection: mq })]
  await startNest({ imports, providers: [Reminders, { provide: APP_GUARD, useClass: Guard }] })
  for (const patient of ['p-7', 'p-0']) await mq.schedule(reminder, { patient }, { to: { queue: 'q' }, in: '1s' })
  await clock.advance('1s')
  expect(seen).toEqual(['p-7'])
  expect(dead('q')).toMatchObject([{ payload: { patient: 'p-0' } }])
})

test('a transient provider is refused, since nothing would inject it', async () => {
  @Injectable({ scope: Scope.TRANSIENT })
  class Reminders {
    @OnMessage(reminder, { queue: 'q' })
    remind(_: Delivery<Patient>) {
      return undefined
    }
  }
  expect((await rejection(start(Reminders))).message).toBe(
    'Reminders.remind: expected a provider that is not transient, since nothing else injects it, got "TRANSIENT"',
  )
})
