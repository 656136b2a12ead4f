import {
  Global,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Test } from '@nestjs/testing'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { connect, defineMessage, memory, type Delivery, type InMemory } from '../../../src/index.js'
import {
  DuequeHealthIndicator,
  DuequeModule,
  getDuequeToken,
  InjectDueque,
  OnMessage,
  type DuequeConnection,
} from '../../../src/nestjs/index.js'
import { testDueque } from '../../../src/testing/index.js'
import { QUIET, rootModule, startNest } from '../../support/nest-app.js'
import { rejection, thrown } from '../thrown.js'

const reminder = defineMessage('reminder', z.object({ patient: z.string() }))
type Reminder = Delivery<{ patient: string }>

@Injectable()
class Reminders {
  readonly seen: string[] = []

  constructor(@InjectDueque() readonly mq: DuequeConnection) {}

  @OnMessage(reminder, { queue: 'reminders' })
  remind({ payload }: Reminder): void {
    this.seen.push(payload.patient)
  }
}

const soon = { to: { queue: 'reminders' }, in: '1h' }

describe('a connection', () => {
  test('is injected, and its messages reach the methods', async () => {
    const { mq, clock } = await testDueque()
    const app = await startNest({ imports: [DuequeModule.forRoot({ connection: mq })], providers: [Reminders] })
    const reminders = app.get(Reminders)
    expect(reminders.mq).toBe(mq)
    await reminders.mq.schedule(reminder, { patient: 'p-7' }, soon)
    await clock.advance('1h')
    expect(reminders.seen).toEqual(['p-7'])
  })

  test('that the application opened closes with it, and a given one stays open, without consumers', async () => {
    const { mq, clock, queued } = await testDueque()
    const imports = [
      DuequeModule.forRoot({ connection: mq }),
      DuequeModule.forRoot({ name: 'own', strategy: memory() }),
    ]
    const app = await startNest({ imports, providers: [Reminders] })
    const own = app.get<DuequeConnection<InMemory>>(getDuequeToken('own'))
    expect(own.health().ok).toBe(true)
    await app.close()
    expect((await rejection(own.schedule(reminder, { patient: 'p-7' }, soon))).code).toBe('CLOSED')
    await mq.schedule(reminder, { patient: 'p-7' }, soon)
    await clock.advance('1h')
    expect(queued('reminders')).toHaveLength(1)
  })

  test('has a name, if there are several: each has the methods that name it', async () => {
    const [clinic, billing] = await Promise.all([testDueque(), testDueque()])
    @Injectable()
    class Invoices extends Reminders {
      constructor(@InjectDueque('billing') mq: DuequeConnection) {
        super(mq)
      }

      @OnMessage(reminder, { queue: 'invoices', connection: 'billing' })
      override remind(delivery: Reminder): void {
        super.remind(delivery)
      }
    }
    const imports = [
      DuequeModule.forRoot({ connection: clinic.mq }),
      DuequeModule.forRootAsync({ name: 'billing', useFactory: () => ({ connection: billing.mq }) }),
    ]
    const app = await startNest({ imports, providers: [Reminders, Invoices] })
    expect(app.get(Invoices).mq).toBe(billing.mq)
    expect(clinic.broker.queues()).toEqual(['reminders', 'reminders.dead'])
    expect(billing.broker.queues()).toEqual(['invoices', 'invoices.dead'])
  })

  test('of one application is not that of another one in the process, made of the same modules', async () => {
    const imports = [DuequeModule.forRoot({ strategy: memory() })]
    const root = { imports, providers: [Reminders] }
    const [one, other] = [await startNest(root), await startNest(root)]
    expect(one.get(Reminders).mq).not.toBe(other.get(Reminders).mq)
    await one.close()
    expect(other.get(Reminders).mq.health().ok).toBe(true)
  })

  test('has its options from a factory with injected arguments', async () => {
    @Module({ providers: [{ provide: 'NAMESPACE', useValue: 'clinic' }], exports: ['NAMESPACE'] })
    class ConfigModule {}
    const got: string[] = []
    const dueque = DuequeModule.forRootAsync({
      imports: [ConfigModule],
      inject: ['NAMESPACE'],
      useFactory: (namespace: string) => {
        got.push(namespace)
        return { strategy: memory(), namespace, consume: false }
      },
    })
    const app = await startNest({ imports: [dueque], providers: [Reminders] })
    expect(got).toEqual(['clinic'])
    expect(app.get(Reminders).mq.health()).toMatchObject({ ok: true, consumer: 'unused' })
  })

  test('in a test is that of dueque/testing, by overriding the provider: nothing connects', async () => {
    const { mq, clock } = await testDueque()
    const AppModule = rootModule({
      imports: [DuequeModule.forRoot({ url: 'amqp://localhost:1' })],
      providers: [Reminders],
    })
    const compiling = Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(getDuequeToken())
      .useValue(mq)
    const app = await (await compiling.compile()).init()
    await mq.schedule(reminder, { patient: 'p-7' }, soon)
    await clock.advance('1h')
    expect(app.get(Reminders).seen).toEqual(['p-7'])
    await app.close()
    expect(mq.health().ok).toBe(true)
  })
})

describe('bad options are refused', () => {
  test.each([
    [{ nam: 'x' }, 'nam: no such option; did you mean name?'],
    [{ name: '' }, 'name: expected a text, got ""'],
    [{ drainTimeoutMs: -1 }, 'drainTimeoutMs: expected milliseconds, zero or more, got -1'],
    [{ consume: 'no' }, 'consume: expected true or false, got "no"'],
    [{ connection: {} }, 'connection: expected what connect has returned, got a value of type object'],
    [{ maxInFlight: 0 }, 'maxInFlight: expected a whole number from 1 to 65535, got 0'],
  ])('by forRoot, at once: %#', (options, message) => {
    expect(thrown(() => DuequeModule.forRoot(options as never))).toMatchObject({ code: 'INVALID_OPTION', message })
  })

  test('by forRoot beside a connection that is open', async () => {
    const { mq: connection } = await testDueque()
    expect(thrown(() => DuequeModule.forRoot({ connection, namespace: 'x' }))).toMatchObject({
      code: 'INVALID_OPTION',
      message: 'namespace: expected none beside connection, which is open, got "x"',
    })
  })

  test('by forRootAsync, and from its factory', async () => {
    expect(thrown(() => DuequeModule.forRootAsync({} as never)).message).toBe(
      'useFactory: expected a function, got undefined',
    )
    const named = DuequeModule.forRootAsync({ useFactory: () => ({ name: 'x', strategy: memory() }) })
    expect((await rejection(startNest({ imports: [named] }))).message).toBe(
      'name: expected none from useFactory: give it to forRootAsync, got "x"',
    )
  })
})

test('an application does not start with methods that contradict each other, and leaves no consumer behind', async () => {
  const { mq, clock, queued } = await testDueque()
  const imports = [DuequeModule.forRoot({ connection: mq })]
  class Others {
    @OnMessage(reminder, { queue: 'reminders' })
    remind(_: Reminder) {
      return undefined
    }
  }
  const error = await rejection(startNest({ imports, providers: [Reminders, Others] }))
  expect(error.message).toBe(
    'message: expected one method for the message "reminder" of the queue "reminders", got Reminders.remind and Others.remind',
  )
  class Missing {
    @OnMessage(reminder, { queue: 'missing', declare: false })
    remind(_: Reminder) {
      return undefined
    }
  }
  expect((await rejection(startNest({ imports, providers: [Reminders, Missing] }))).code).toBe('DESTINATION_MISSING')
  await mq.schedule(reminder, { patient: 'p-7' }, soon)
  await clock.advance('1h')
  expect(queued('reminders')).toHaveLength(1)
})

test('a start that fails leaves no connection open that the application has opened', async () => {
  const opened: DuequeConnection<InMemory>[] = []
  @Injectable()
  class Keeper {
    constructor(@InjectDueque('own') mq: DuequeConnection<InMemory>) {
      opened.push(mq)
    }
  }
  class Missing {
    @OnMessage(reminder, { queue: 'missing', declare: false, connection: 'own' })
    remind(_: Reminder) {
      return undefined
    }
  }
  const own = DuequeModule.forRoot({ name: 'own', strategy: memory() })
  const unable = startNest({ imports: [own], providers: [Keeper, Missing] })
  expect((await rejection(unable)).code).toBe('DESTINATION_MISSING')
  const away = DuequeModule.forRoot({ name: 'away', url: 'amqp://localhost:1' })
  const alone = startNest({ imports: [own, away], providers: [Keeper] })
  expect((await rejection(alone)).code).toBe('UNREACHABLE')
  expect(opened).toHaveLength(2)
  await expect.poll(() => opened.map((mq) => mq.health().ok)).toEqual([false, false])

  const strategy = memory()
  const started = vi.spyOn(strategy, 'start')
  let decide = () => undefined as void
  const options = new Promise<{ strategy: typeof strategy }>((resolve) => (decide = () => resolve({ strategy })))
  const late = DuequeModule.forRootAsync({ name: 'late', useFactory: () => options })
  expect((await rejection(startNest({ imports: [late, away], providers: [] }))).code).toBe('UNREACHABLE')
  decide()
  await new Promise(setImmediate)
  expect(started).not.toHaveBeenCalled()
})

test('an application that another module keeps from starting closes its connection when it is closed', async () => {
  @Injectable()
  class Broken implements OnApplicationBootstrap {
    onApplicationBootstrap() {
      throw new Error('no database')
    }
  }
  const root = rootModule({ imports: [DuequeModule.forRoot({ strategy: memory() })], providers: [Reminders, Broken] })
  const app = await NestFactory.create(root, QUIET)
  const { mq } = app.get(Reminders)
  await expect(app.init()).rejects.toThrow('no database')
  await app.close()
  expect((await rejection(mq.schedule(reminder, { patient: 'p-7' }, soon))).code).toBe('CLOSED')
})

test('a shutdown ends handlers first, then the modules that were imported before, and the connection last', async () => {
  const mq = await connect({ strategy: memory() })
  onTestFinished(() => mq.close())
  const events: string[] = []
  let begun = () => undefined as void
  const running = new Promise<void>((resolve) => (begun = resolve))
  @Injectable()
  class Database implements OnModuleDestroy {
    onModuleDestroy() {
      events.push('database closed')
    }
  }
  @Global()
  @Module({ providers: [Database], exports: [Database] })
  class DatabaseModule {}
  @Injectable()
  class Slow implements OnApplicationShutdown {
    constructor(
      @Inject(Database) readonly database: Database,
      @InjectDueque() readonly mq: DuequeConnection,
    ) {}

    @OnMessage(reminder, { queue: 'slow' })
    async remind({ signal }: Reminder) {
      begun()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      events.push('handler ended')
    }

    async onApplicationShutdown() {
      if (events.includes('scheduled')) return
      await this.mq.schedule(reminder, { patient: 'p-8' }, { to: { queue: 'slow' }, in: '1h' })
      events.push('scheduled')
    }
  }
  const dueque = DuequeModule.forRoot({ strategy: memory(), drainTimeoutMs: 100 })
  const app = await startNest({ imports: [DatabaseModule, dueque], providers: [Slow] })
  const own = app.get(Slow).mq
  await own.schedule(reminder, { patient: 'p-7' }, { to: { queue: 'slow' }, in: 0 })
  await running
  await app.close()
  expect(events).toEqual(['handler ended', 'database closed', 'scheduled'])
  expect((await rejection(own.schedule(reminder, { patient: 'p-7' }, soon))).code).toBe('CLOSED')
})

test('terminus asks for the health of a connection by its name', async () => {
  const { mq } = await testDueque()
  const imports = [DuequeModule.forRoot({ name: 'clinic', connection: mq }), TerminusModule.forRoot({ logger: false })]
  const app = await startNest({ imports })
  const health = app.get(HealthCheckService)
  const indicator = app.get(DuequeHealthIndicator)
  const check = () => health.check([() => indicator.isHealthy('rabbitmq', 'clinic')])
  expect(await check()).toMatchObject({
    status: 'ok',
    info: { rabbitmq: { status: 'up', producer: 'up', consumer: 'unused' } },
  })
  await mq.close()
  await expect(check()).rejects.toMatchObject({
    response: { status: 'error', error: { rabbitmq: { status: 'down' } } },
  })
})
