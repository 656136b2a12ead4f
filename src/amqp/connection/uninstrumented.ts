import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'

const WRAPPED = ['publish', 'consume', 'ack', 'nack', 'reject', 'ackAll', 'nackAll'] as const

type Method = (...args: unknown[]) => unknown
type Methods = Record<string, Method & { __original?: Method }>

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
  for (const name of WRAPPED) if (methods[name]?.__original) methods[name] = plain(methods[name])
  return channel
}

/** The `publish` of a confirm channel calls that of the channel, which is wrapped as well. */
function plainConfirmChannel(channel: ConfirmChannel): ConfirmChannel {
  plainChannel(channel)
  const base = Object.getPrototypeOf(Object.getPrototypeOf(channel)) as Methods
  if (!base['publish']?.__original) return channel
  const publish = plain(base['publish'])
  const callbacks = channel as unknown as { pushConfirmCallback(callback: unknown): void }
  channel.publish = (exchange, routingKey, content, options, callback) => {
    const hasRoom = publish.call(channel, exchange, routingKey, content, options)
    callbacks.pushConfirmCallback(callback)
    return hasRoom as boolean
  }
  return channel
}

function plain(method: Methods[string]): Method {
  return method.__original ? plain(method.__original) : method
}
