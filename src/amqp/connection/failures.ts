import { DuequeError, errorText, isDuequeError, isError, type ErrorData } from '../../base/errors.js'
import type { Endpoint } from './endpoint.js'

type Permission = ErrorData['PERMISSION_DENIED']['permission']

/** Turns what amqplib throws while it connects into a typed error. Its texts hold no password. */
export function connectFailure(cause: unknown, { host, user, vhost }: Endpoint): DuequeError {
  const text = errorText(cause)
  const code = (cause as { code?: unknown } | null)?.code
  if (/ACCESS[_-]REFUSED/.test(text)) {
    const message = `${host} refused the credentials of user "${user}": check user and password in the url`
    return new DuequeError('AUTHENTICATION_FAILED', message, { host, user }, { cause })
  }
  // amqplib does not pass the broker's words on here. connection.open concerns the vhost alone.
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    const message = `${host} does not let user "${user}" into vhost "${vhost}": it is missing, the user has no permissions in it, or it is at its connection limit`
    return new DuequeError('VHOST_REFUSED', message, { host, vhost }, { cause })
  }
  if (typeof code === 'string' && /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return new DuequeError(
      'TLS_REFUSED',
      `TLS with ${host} failed: ${text} (options: tls.ca, tls.servername, tls.cert)`,
      { host },
      { cause },
    )
  }
  return new DuequeError('UNREACHABLE', `no broker at ${host}: ${text}`, { hosts: [host] }, { cause })
}

/** Another attempt, or another host, can mend this error alone. */
export function isPassing(error: DuequeError): boolean {
  return error.code === 'UNREACHABLE'
}

export function unreachable(errors: readonly DuequeError[]): DuequeError {
  const hosts = errors.flatMap((error) => (error.data as { hosts?: string[] }).hosts ?? [])
  const message =
    `${errors.map((error) => error.message).join('; ')}. ` +
    'Is RabbitMQ running there? To start one: docker run -p 5672:5672 rabbitmq:4-management (option: url)'
  return new DuequeError('UNREACHABLE', message, { hosts }, { cause: errors.at(-1)?.cause })
}

/** The broker's reply code of a channel or connection error, as amqplib reports it. */
export function replyCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'number' ? code : undefined
}

/** CONNECTION_FORCED (the node shuts down) and INTERNAL_ERROR. AMQP 0-9-1, 1.2. */
const PASSING_REPLY_CODES: readonly unknown[] = [320, 541]

/** Whether a connection or channel was lost for a reason other than what the client asked for. */
export function isLoss(error: unknown): boolean {
  if (PASSING_REPLY_CODES.includes(replyCode(error))) return true
  const { name, message } = isError(error) ? error : new Error()
  return (
    name === 'IllegalOperationError' || /^(channel (closed$|ended)|connection clos|unexpected close)/i.test(message)
  )
}

/**
 * Whether RabbitMQ closed the channel or the connection because of something that the client sent, and not because of its own
 * state, an operator's order, or an exchange that it names. When its own code fails on what was sent it says 541 and nothing
 * more; 541 with a text means something else, such as a metadata store that does not answer.
 */
export function isClientFault(reason: unknown): boolean {
  const code = replyCode(reason)
  if (code === undefined || code === 320 || lostStream(reason) !== undefined) return false
  if (code === 541) return errorText(reason).endsWith('with message "INTERNAL_ERROR"')
  return namedExchange(reason) === undefined
}

/** The broker's own words, without amqplib's frame around them. */
function brokerText(error: unknown): string {
  const text = errorText(error)
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text
}

/** The name in `no exchange 'x' in vhost '/'` and the like. */
export function namedExchange(error: unknown): string | undefined {
  const name = /exchange '([^']*)'/.exec(errorText(error))?.[1]
  return name === 'amq.default' ? '' : name
}

/**
 * How long a stream may be away after the start of its broker. Measured on 3.10.8 after kill -9, from the first connection on: 0.2
 * to 0.9 s with 6 streams or 18, on 2 busy cores.
 */
export const COMES_BACK_MS = 10_000

/** rabbit_amqqueue:absent/2. */
const AWAY = /is down or inaccessible|has crashed and failed to restart|process is stopped by supervisor|due to timeout/

/**
 * A queue that is there all the same, and may come back. Also what the broker says of one that another client declares at
 * this moment: it is not there yet when rabbit_amqqueue:with/4 looks, and is when not_found_or_absent/1 looks again.
 */
export function isAway(error: unknown): boolean {
  return replyCode(error) === 404 && AWAY.test(brokerText(error))
}

/**
 * The name of a stream that is still declared, though RabbitMQ has lost it: it closes every connection that writes to it.
 * rabbit_stream_queue:init/1.
 */
export function lostStream(error: unknown): string | undefined {
  if (replyCode(error) !== 506) return undefined
  return /Stream not found for queue '([^']*)'/.exec(brokerText(error))?.[1]
}

/** A node of a cluster cannot read a stream of which it has no replica: rabbit_stream_queue:consume/3. */
export function isWithoutReplica(error: unknown): boolean {
  return replyCode(error) === 406 && /does not have a (running )?replica on the local node/.test(brokerText(error))
}

/**
 * The error for a type of queue whose feature flag is disabled. RabbitMQ closes the connection over its declaration, with a
 * code that means a passing failure elsewhere. rabbit_amqqueue:declare/7 of 3.10.
 */
export function disabledFeature(reason: unknown): DuequeError<'UNSUPPORTED'> | undefined {
  const [, feature] = /of type 'rabbit_(\w+)' .*feature flag is disabled/s.exec(errorText(reason)) ?? []
  if (feature === undefined) return undefined
  const message = `this RabbitMQ lacks a type of queue: its feature flag ${feature} is disabled (rabbitmqctl enable_feature_flag ${feature})`
  return new DuequeError('UNSUPPORTED', message, { feature }, { cause: reason })
}

/**
 * Turns the broker's refusal of an operation into a typed error.
 *
 * @param asked the permission that the operation needs on `resource`; brokers before 3.13 do not say which was missing
 * @param beside what it needs on others, such as `exchange deliver`
 */
export function operationFailure(
  cause: unknown,
  resource: string,
  asked: Permission,
  beside: Readonly<Record<string, Permission>> = {},
): DuequeError {
  if (isDuequeError(cause)) return cause
  const text = brokerText(cause)
  const code = replyCode(cause)
  if (code === 403 && text.includes('access to')) {
    const [, named, kind, name] =
      /(\w+) access to (\w+) '([^']*)'/.exec(text) ?? /()access to (\w+) '([^']*)'/.exec(text) ?? []
    const what = name ? `${kind} ${name}` : resource
    // Declaring a queue asks for more than one permission, and old brokers do not say which it was.
    const permission = (named || (what === resource ? asked : (beside[what] ?? 'unknown'))) as Permission
    return new DuequeError(
      'PERMISSION_DENIED',
      `the user lacks ${permission} permission on ${what} (rabbitmqctl set_permissions). ${text}`,
      { permission, resource: what },
      { cause },
    )
  }
  if (code === 404 && !isAway(cause))
    return new DuequeError('DESTINATION_MISSING', text, { destination: resource }, { cause })
  if (code === 406 && !isWithoutReplica(cause)) {
    const message = `${resource} exists with other properties than dueque needs: ${text}`
    return new DuequeError('TOPOLOGY_MISMATCH', message, { resource }, { cause })
  }
  return new DuequeError('BROKER_ERROR', `${resource}: ${text}`, { replyCode: code }, { cause })
}

/** An error of amqplib before anything is written: a table over 64 KiB, a number out of range, an unknown type. */
export function notEncodable(error: unknown): DuequeError | undefined {
  // By name: Node's own may be of another realm than this module.
  if (!isError(error) || !/^(Range|Type)Error$/.test(error.name)) return undefined
  return new DuequeError('NOT_ENCODABLE', `cannot be written as AMQP: ${errorText(error)}`, {}, { cause: error })
}

/** @param maxBytes the broker's own limit */
export function tooLarge({ byteLength: bytes }: Uint8Array, maxBytes: number): DuequeError {
  const message = `the body has ${bytes} bytes, over the broker's limit of ${maxBytes}`
  return new DuequeError('BODY_TOO_LARGE', message, { bytes, maxBytes })
}
