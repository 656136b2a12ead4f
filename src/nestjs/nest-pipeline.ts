import { ContextIdFactory, type ContextId, type ExternalContextCreator, type ModuleRef } from '@nestjs/core'
import type { Delivery } from '../consumer/delivery.js'
import type { MessageMethod } from './message-methods.js'
import { messageParameters, PARAMETERS } from './message-parameters.js'

/** What `ExecutionContext.getType` returns for a message. */
const CONTEXT_TYPE = 'dueque'

/** What of Nest calls a method. */
export interface NestCallers {
  readonly creator: ExternalContextCreator
  readonly moduleRef: ModuleRef
}

/**
 * Calls a method through the pipeline of Nest. The only argument of its execution context is the delivery. If the provider, or
 * something of its pipeline, is request-scoped, each delivery has instances of its own, for which the delivery is the request.
 */
export function nestPipeline(
  { wrapper, name }: Pick<MessageMethod, 'wrapper' | 'name'>,
  { creator, moduleRef }: NestCallers,
): (delivery: Delivery) => Promise<unknown> {
  const pipelineOf = (instance: Record<string, Method>, contextId?: ContextId, inquirerId?: string) => {
    const args = [instance, instance[name]!, name, PARAMETERS, messageParameters, contextId, inquirerId] as const
    return creator.create(...args, undefined, CONTEXT_TYPE) as (delivery: Delivery) => Promise<unknown>
  }
  if (wrapper.isDependencyTreeStatic()) return pipelineOf(wrapper.instance as Record<string, Method>)
  return async (delivery) => {
    const contextId = ContextIdFactory.getByRequest(delivery)
    moduleRef.registerRequestByContextId(delivery, contextId)
    const instance = await moduleRef.resolve<Record<string, Method>>(wrapper.token, contextId, { strict: false })
    return pipelineOf(instance, contextId, wrapper.id)(delivery)
  }
}

type Method = (...args: unknown[]) => unknown
