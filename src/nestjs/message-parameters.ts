import type { PipeTransform, Type } from '@nestjs/common'
import type { Delivery } from '../consumer/delivery.js'

type Pipe = Type<PipeTransform> | PipeTransform

/** Where Nest's decorators keep the parameters of a method: its constant `ROUTE_ARGS_METADATA`. */
export const PARAMETERS = '__routeArguments__'
/** Numbers of Nest, which pipes see as `body` and as `custom`. */
const PAYLOAD = 3
const DELIVERY = 0

/**
 * The parameter is the payload of the message. Pipes of the application, the class and the method run on it, with `type: 'body'`,
 * and those given here.
 *
 * @example
 * remind(@MessagePayload() { patient }: PayloadOf<typeof reminder>, @MessageDelivery() { dueAt }: Delivery) { … }
 */
export function MessagePayload(...pipes: Pipe[]): ParameterDecorator {
  return parameter(PAYLOAD, pipes)
}

/** The parameter is the delivery. Pipes run on it as on any parameter, with `type: 'custom'`. */
export function MessageDelivery(...pipes: Pipe[]): ParameterDecorator {
  return parameter(DELIVERY, pipes)
}

function parameter(type: number, pipes: readonly Pipe[]): ParameterDecorator {
  return (target, method, index) => {
    if (method === undefined) return
    const host = target.constructor
    const others = parametersOf(host, method)
    Reflect.defineMetadata(
      PARAMETERS,
      { ...others, [`${type}:${index}`]: { index, data: undefined, pipes } },
      host,
      method,
    )
  }
}

/** The parameters with a decorator, by Nest's own keys. */
export function parametersOf(host: object, method: string | symbol): object {
  return (Reflect.getMetadata(PARAMETERS, host, method) as object | undefined) ?? {}
}

/** What Nest asks for the value of a parameter. */
export const messageParameters = {
  exchangeKeyForValue(type: number, _data: unknown, [delivery]: [Delivery]): unknown {
    if (type === PAYLOAD) return delivery.payload
    return type === DELIVERY ? delivery : undefined
  },
}
