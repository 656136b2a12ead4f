import { describe, expect, it } from 'vitest'
import {
  connectFailure,
  isLoss,
  isPassing,
  namedExchange,
  operationFailure,
  replyCode,
  unreachable,
} from '../../../../src/amqp/connection/failures.js'
import { DuequeError } from '../../../../src/base/errors.js'

const endpoint = {
  protocol: 'amqp',
  hostname: 'mq',
  port: 5672,
  host: 'mq:5672',
  user: 'u',
  password: 'sEcret',
  vhost: 'v',
} as const

function failure(message: string, code?: number | string, name = 'Error'): Error {
  return Object.assign(new Error(message), { name }, code !== undefined && { code })
}

/** The text of the broker about an operation, as amqplib wraps it. */
const refused = (operation: string, code: number, name: string, text: string) =>
  failure(`Operation failed: ${operation}; ${code} (${name}) with message "${text}"`, code)

const LOGIN =
  'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."'

describe('connecting', () => {
  it.each([
    ['the wrong password, 3.10 and 4.3', failure(LOGIN), 'AUTHENTICATION_FAILED'],
    // amqplib drops the broker's text, here NOT_ALLOWED, on both 3.10 and 4.3.
    [
      'a vhost that is missing or closed',
      failure('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'),
      'VHOST_REFUSED',
    ],
    ['a plain port spoken to in TLS', failure('wrong version number', 'ERR_SSL_WRONG_VERSION_NUMBER'), 'TLS_REFUSED'],
    ['a certificate of its own', failure('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'), 'TLS_REFUSED'],
    ['a chain of its own', failure('self-signed', 'SELF_SIGNED_CERT_IN_CHAIN'), 'TLS_REFUSED'],
    ['an unknown authority', failure('unable to verify', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'TLS_REFUSED'],
    ['an old certificate', failure('certificate has expired', 'CERT_HAS_EXPIRED'), 'TLS_REFUSED'],
    ['a certificate of another name', failure('Hostname/IP', 'ERR_TLS_CERT_ALTNAME_INVALID'), 'TLS_REFUSED'],
    ['nobody there', failure('connect ECONNREFUSED 127.0.0.1:5672', 'ECONNREFUSED'), 'UNREACHABLE'],
    ['no such host', failure('getaddrinfo ENOTFOUND mq', 'ENOTFOUND'), 'UNREACHABLE'],
    ['a time-out', failure('connect ETIMEDOUT'), 'UNREACHABLE'],
    ['a node that starts', failure('Socket closed abruptly during opening handshake'), 'UNREACHABLE'],
    ['something that is no error', 'gone', 'UNREACHABLE'],
    ['nothing', undefined, 'UNREACHABLE'],
  ])('to %s', (_, cause, code) => {
    const error = connectFailure(cause, endpoint)
    expect(error.code).toBe(code)
    expect(error.cause).toBe(cause)
    expect(error.message).toContain('mq:5672')
    expect(JSON.stringify([error, error.message])).not.toContain('sEcret')
    expect(isPassing(error)).toBe(code === 'UNREACHABLE')
  })

  it('without success names every host', () => {
    const hosts = ['a:1', 'b:2'].map((host) => connectFailure(failure('connect ECONNREFUSED'), { ...endpoint, host }))
    const error = unreachable(hosts)
    expect(error).toMatchObject({ code: 'UNREACHABLE', data: { hosts: ['a:1', 'b:2'] } })
    expect(error.message).toMatch(/a:1.*b:2/)
  })
})

const IN = "in vhost '/' refused for user 'u'"
const DENIED: [text: string, permission: string, resource: string][] = [
  // 3.10 does not name the permission: it is the requested one, `read`, if that was on this resource.
  [`access to queue 'asked' ${IN}`, 'read', 'queue asked'],
  [`access to queue 'q' ${IN}`, 'unknown', 'queue q'],
  [`access to exchange 'e' ${IN}`, 'unknown', 'exchange e'],
  [`access to topic 'k' in exchange 'e' ${IN}`, 'unknown', 'topic k'],
  [`configure access to queue 'q' ${IN}`, 'configure', 'queue q'],
  [`write access to exchange 'e' ${IN}`, 'write', 'exchange e'],
  [`write access to topic 'k' in exchange 'e' ${IN}`, 'write', 'topic k'],
  [`read access to queue 'q q' in vhost 'a b' refused for user 'u'`, 'read', 'queue q q'],
]

describe('an operation', () => {
  it.each(DENIED)('refused with %s', (text, permission, resource) => {
    const cause = refused('QueueDeclare', 403, 'ACCESS-REFUSED', `ACCESS_REFUSED - ${text}`)
    const error = operationFailure(cause, 'queue asked', 'read')
    expect(error).toMatchObject({
      code: 'PERMISSION_DENIED',
      data: { permission, resource },
      cause,
      outcome: 'refused',
    })
    expect(error.message).toContain(text)
  })

  it.each([
    [404, 'NOT-FOUND', "NOT_FOUND - no queue 'q' in vhost '/'", 'DESTINATION_MISSING', { destination: 'queue q' }],
    [
      404,
      'NOT-FOUND',
      "NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible",
      'BROKER_ERROR',
      { replyCode: 404 },
    ],
    [404, 'NOT-FOUND', "NOT_FOUND - no exchange 'e' in vhost '/'", 'DESTINATION_MISSING', { destination: 'queue q' }],
    [
      406,
      'PRECONDITION-FAILED',
      "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5' of type 'byte' but current is none",
      'TOPOLOGY_MISMATCH',
      { resource: 'queue q' },
    ],
    [
      406,
      'PRECONDITION-FAILED',
      "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'e' in vhost '/': received 'fanout' but current is 'direct'",
      'TOPOLOGY_MISMATCH',
      { resource: 'queue q' },
    ],
    [
      405,
      'RESOURCE-LOCKED',
      "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'",
      'BROKER_ERROR',
      { replyCode: 405 },
    ],
    [541, 'INTERNAL-ERROR', 'INTERNAL_ERROR', 'BROKER_ERROR', { replyCode: 541 }],
  ])('refused with %i (%s): %s', (replied, name, text, code, data) => {
    const error = operationFailure(refused('QueueDeclare', replied, name, text), 'queue q', 'configure')
    expect(error).toMatchObject({ code, data })
    expect(error.message).toContain(text)
    expect(error.message).not.toContain('Operation failed')
  })

  it.each([
    ["queue 'q' in vhost '/' in exclusive use", 403],
    ["queue name 'amq.foo' contains reserved prefix 'amq.*'", 403],
    ["invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_too_large,319680000000}", 406],
  ])('refused with %s is reported in the words of the broker', (text, code) => {
    expect(operationFailure(refused('QueueDeclare', code, 'X', text), 'queue q', 'read').message).toContain(text)
  })

  it('that failed with an error of dueque keeps it', () => {
    const error = new DuequeError('CLOSED', 'closed', {})
    expect(operationFailure(error, 'queue q', 'read')).toBe(error)
  })

  it.each([new TypeError('wrong'), 'wrong', undefined])('that failed with %s has no reply code', (cause) => {
    const error = operationFailure(cause, 'publish', 'write')
    expect(error).toMatchObject({ code: 'BROKER_ERROR', data: { replyCode: undefined } })
    expect(error.cause).toBe(cause)
  })
})

it.each([
  [failure('Channel closed', undefined, 'IllegalOperationError'), true],
  [failure('Channel closing', undefined, 'IllegalOperationError'), true],
  [failure('Connection closed (Error: Unexpected close)', undefined, 'IllegalOperationError'), true],
  [failure('channel closed'), true],
  [failure('Channel ended, no reply will be forthcoming'), true],
  [failure('Connection closing'), true],
  [failure('Unexpected close'), true],
  [failure('Connection closed: 320 (CONNECTION-FORCED) with message "CONNECTION_FORCED - shutdown"', 320), true],
  [failure('Channel closed by server: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"', 541), true],
  [
    failure(
      `Channel closed by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - access to queue 'q' ${IN}"`,
      403,
    ),
    false,
  ],
  [refused('QueueDeclare', 404, 'NOT-FOUND', "NOT_FOUND - no queue 'q' in vhost '/'"), false],
  [refused('QueueDeclare', 406, 'PRECONDITION-FAILED', 'PRECONDITION_FAILED'), false],
  [new TypeError('wrong'), false],
  ['Channel closed', false],
  [undefined, false],
])('%s is a loss: %s', (error, loss) => {
  expect(isLoss(error)).toBe(loss)
})

it.each([
  [`Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no exchange 'e e' in vhost '/'"`, 'e e'],
  [`Channel closed by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - access to exchange 'e' ${IN}"`, 'e'],
  [`ACCESS_REFUSED - write access to topic 'k' in exchange 'e' ${IN}`, 'e'],
  [`NOT_FOUND - no queue 'q' in vhost '/'`, undefined],
])('%s names the exchange %o', (text, exchange) => {
  expect(namedExchange(failure(text))).toBe(exchange)
})

it.each([
  [failure('', 404), 404],
  [failure('', 'ECONNREFUSED'), undefined],
  [undefined, undefined],
  ['404', undefined],
])('the reply code of %o is %s', (error, code) => {
  expect(replyCode(error)).toBe(code)
})
