import { Controller, ParseIntPipe, UseGuards, UsePipes, type CanActivate, type ModuleMetadata } from '@nestjs/common'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineMessage, type Delivery } from '../../../src/index.js'
import {
  DuequeModule,
  InjectDueque,
  MessageDelivery,
  MessagePayload,
  OnAnyMessage,
  OnMessage,
} from '../../../src/nestjs/index.js'
import { subscriptionsOf } from '../../../src/nestjs/on-message.js'
import { testDueque } from '../../../src/testing/index.js'
import { startNest } from '../../support/nest-app.js'
import { rejection, thrown } from '../thrown.js'

const reminder = defineMessage('reminder', z.object({ patient: z.string() }))

const any = OnAnyMessage({ queue: 'q' })
const method = { value: () => undefined }

test.each([
  [() => OnMessage(reminder, { queue: '' }), 'INVALID_OPTION', 'queue: expected a name, got ""'],
  [() => OnMessage(reminder, {} as never), 'INVALID_OPTION', 'queue: expected a name, got undefined'],
  [() => OnMessage(reminder, { queue: 'dq~x' }), 'RESERVED_NAME', 'queue: "dq~x" begins with'],
  [
    () => OnMessage(reminder, { queue: 'q', concurency: 1 } as never),
    'INVALID_OPTION',
    'concurency: no such option; did you mean concurrency?',
  ],
  [() => OnMessage(reminder, { queue: 'q', prefetch: 0 }), 'INVALID_OPTION', 'prefetch: expected a whole number'],
  [() => OnMessage(reminder, { queue: 'q', connection: '' }), 'INVALID_OPTION', 'connection: expected a text, got ""'],
  [() => OnMessage('reminder' as never, { queue: 'q' }), 'INVALID_OPTION', 'message: expected what defineMessage'],
  [() => InjectDueque(''), 'INVALID_OPTION', 'name: expected a text, got ""'],
  [
    () => any({}, 'field', undefined as never),
    'INVALID_OPTION',
    'field: expected a method of instances, with a name, got',
  ],
  [() => any(Date, 'one', method), 'INVALID_OPTION', 'one: expected a method of instances, with a name, got'],
  [() => any({}, Symbol('s') as never, method), 'INVALID_OPTION', 'Symbol(s): expected a method of instances, with a'],
])('a decorator refuses what it cannot use, when its class is loaded: %#', (decorate, code, text) => {
  const error = thrown(decorate)
  expect(error).toMatchObject({ code })
  expect((error as Error).message).toContain(text)
})

test('the types of a method and of its message agree', () => {
  class Handlers {
    @OnMessage(reminder, { queue: 'q' })
    delivery(_: Delivery<{ patient: string }>) {
      return undefined
    }

    @OnMessage(reminder, { queue: 'q2' })
    payload(@MessagePayload() _: { patient: string }, @MessageDelivery() _delivery: Delivery) {
      return undefined
    }

    // @ts-expect-error: the payload has no field `room`
    @OnMessage(reminder, { queue: 'q3' })
    other(_: Delivery<{ room: string }>) {
      return undefined
    }
  }
  expect(subscriptionsOf(Reflect.get(Handlers.prototype, 'payload'))).toMatchObject([
    { queue: 'q2', definition: reminder },
  ])
})

test('an application does not start with a method that Nest cannot call as it is meant', async () => {
  const { mq } = await testDueque()
  class Piped {
    @OnMessage(reminder, { queue: 'q' })
    @UsePipes(ParseIntPipe)
    remind(_: Delivery) {
      return undefined
    }
  }
  const error = await rejection(startNest({ imports: [DuequeModule.forRoot({ connection: mq })], providers: [Piped] }))
  expect(error).toMatchObject({
    code: 'INVALID_OPTION',
    message: 'Piped.remind: expected @MessagePayload() at the parameter that its pipes are for, got "none"',
  })
})

class Guard implements CanActivate {
  canActivate() {
    return false
  }
}

@Controller()
class Guarded {
  @OnMessage(reminder, { queue: 'q' })
  @UseGuards(Guard)
  remind(_: Delivery) {
    return undefined
  }
}

@Controller()
@UseGuards(Guard)
class GuardedClass {
  @OnMessage(reminder, { queue: 'q' })
  remind(_: Delivery) {
    return undefined
  }
}

@Controller()
class PipedParameter {
  @OnMessage(reminder, { queue: 'q' })
  remind(@MessagePayload(ParseIntPipe) _: { patient: string }) {
    return undefined
  }
}

test.each<[ModuleMetadata, string]>([
  [{ controllers: [Guarded] }, 'Guarded.remind: expected a provider that is a class, or an instance'],
  [{ controllers: [GuardedClass] }, 'GuardedClass.remind: expected a provider that is a class, or an instance'],
  [{ controllers: [PipedParameter] }, 'PipedParameter.remind: expected a provider that is a class, or an instance'],
  [
    { providers: [{ provide: 'x', useFactory: () => new Guarded() }] },
    'Guarded.remind: expected a provider that is a class, or an instance',
  ],
])('an application does not start with a guard or pipe that Nest would skip: %#', async (metadata, text) => {
  const { mq } = await testDueque()
  const imports = [DuequeModule.forRoot({ connection: mq })]
  const error = await rejection(startNest({ imports, ...metadata }))
  expect(error).toMatchObject({ code: 'INVALID_OPTION' })
  expect(error.message).toContain(text)
})

test('a guard that is an instance guards the method of a controller too', async () => {
  const { mq, clock, dead } = await testDueque()
  @Controller()
  class Reports {
    @OnMessage(reminder, { queue: 'q' })
    @UseGuards(new Guard())
    remind(_: Delivery) {
      return undefined
    }
  }
  await startNest({ imports: [DuequeModule.forRoot({ connection: mq })], controllers: [Reports] })
  await mq.schedule(reminder, { patient: 'p-7' }, { to: { queue: 'q' }, in: '1s' })
  await clock.advance('1s')
  expect(dead('q')).toMatchObject([{ payload: { patient: 'p-7' }, error: 'Forbidden resource' }])
})
