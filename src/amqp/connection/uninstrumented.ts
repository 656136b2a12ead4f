import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'

const WRAPPED = ['publish', 'consume', 'ack', 'nack', 'reject', 'ackAll', 'nackAll'] as const

type Methods = Record<string, ((...args: unknown[]) => unknown) & { __original?: unknown }>

/**
 * Lets the channels of a connection use the methods of amqplib itself, where an instrumentation has wrapped them: the spans of
 * dueque take the place of its spans. OpenTelemetry's wrappers keep the method that they wrap as `__original`.
 */
export function uninstrument(model: ChannelModel): void {
  const create = model.createChannel.bind(model)
  const createConfirm = model.createConfirmChannel.bind(model)
  model.createChannel = async () => plainChannel(await create())
  model.createConfirmChannel = async () => plainConfirmChannel(await createConfirm())
}

function plainChannel<C extends Channel>(channel: C): C {
  const methods = channel as unknown as Methods
  for (const name of WRAPPED) if (methods[name]?.__original) methods[name] = unwrapped(methods[name])
  return channel
}

/**
 * Opens a channel that uses the methods of amqplib itself: to read records of streams, since a span for each of a million of
 * them would be of no use, and to look into a queue.
 */
export async function openPlainChannel(model: ChannelModel): Promise<Channel> {
  return plainChannel(await model.createChannel())
}

type Consume = (this: Channel, ...args: Parameters<Channel['consume']>) => ReturnType<Channel['consume']>

/** As `channel.consume`, by the method of amqplib itself. */
export function consumePlainly(channel: Channel, ...args: Parameters<Channel['consume']>): ReturnType<Consume> {
  const { consume } = channel as unknown as { consume: Consume }
  return unwrapped(consume).apply(channel, args)
}

/** The `publish` of a confirm channel calls that of the channel, which is wrapped as well. */
function plainConfirmChannel(channel: ConfirmChannel): ConfirmChannel {
  plainChannel(channel)
  const base = Object.getPrototypeOf(Object.getPrototypeOf(channel)) as Methods
  if (!base['publish']?.__original) return channel
  const publish = unwrapped(base['publish'])
  const callbacks = channel as unknown as { pushConfirmCallback(callback: unknown): void }
  channel.publish = (exchange, routingKey, content, options, callback) => {
    const hasRoom = publish.call(channel, exchange, routingKey, content, options)
    callbacks.pushConfirmCallback(callback)
    return hasRoom as boolean
  }
  return channel
}

/** The method of amqplib itself. */
function unwrapped<M extends (...args: never[]) => unknown>(method: M): M {
  const { __original: original } = method as M & { __original?: M }
  return original ? unwrapped(original) : method
}
