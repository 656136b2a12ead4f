import type { ErrorCode } from '../../src/base/errors.js'

type Advice = Partial<Record<ErrorCode, string>>

const CALL = {
  INVALID_OPTION:
    'Correct the option or argument that `data.option` names. The message says what was expected and what came.',
  INVALID_DUE: "Give `in` a duration (`'1h30m'`) or `at` a `Date` or an ISO 8601 string with an offset or a time zone.",
  DELAY_OUT_OF_RANGE: 'Choose a nearer due time: at most 3650 days, 49.7 days with `plugin`.',
  INVALID_PAYLOAD: 'Correct the payload. `data.issues` has the path and the fault of each field.',
  RESERVED_NAME:
    'Choose another header, routing key, queue or exchange name: `dueque-…`, `dq~…`, `CC`, `BCC` and the names of the layout are taken.',
  NAME_TOO_LONG: 'Shorten the name, id, key or header name. AMQP allows 255 bytes.',
  BODY_TOO_LARGE:
    'Send a reference instead of the content. If your broker takes larger bodies, raise `maxBodyBytes` of `connect`.',
  HEADERS_TOO_LARGE: 'Put the data into the payload.',
  CONFLICT:
    "Nothing was scheduled. Keep the waiting message, or use `onConflict: 'replace'`. From `mq.recurring`: compare the clocks of your hosts, and repeat the call.",
  NO_SUCH_SCHEDULE: 'Look for the id with `mq.recurring.list` or `dueque recurring list`.',
  ABORTED: 'Nothing, if you aborted the call yourself. `outcome` says whether the message may wait.',
  CLOSED:
    'Do not use a connection after `close()`. A schedule that was not confirmed has the outcome `unknown` or `refused`.',
} satisfies Advice

const CONNECTION = {
  UNREACHABLE:
    'Check the URL, the network and whether the broker runs. `waitMs` of `connect` waits for a broker that starts later.',
  AUTHENTICATION_FAILED: 'Check user and password of the URL. RabbitMQ allows `guest` from its own host alone.',
  VHOST_REFUSED: 'Create the virtual host, or give the user permissions in it.',
  TLS_REFUSED:
    'Check `tls.ca`, the name on the certificate (`tls.servername`), its dates, and the client certificate: [TLS](../operations/tls.md).',
  PERMISSION_DENIED: 'Give the user the permission that `data` names: [permissions](../operations/permissions.md).',
  UNSUPPORTED: 'Use RabbitMQ 3.10.2 or later, or enable the feature that `data.feature` names.',
  BROKER_ERROR: 'Read the message: it is the text of the broker. Look into the log of the broker.',
} satisfies Advice

const TOPOLOGY = {
  DESTINATION_MISSING: 'Declare the queue or exchange, consume the queue once, or schedule with `declare: true`.',
  TOPOLOGY_MISSING: 'Run `dueque topology apply`: [topology](../operations/topology.md).',
  TOPOLOGY_MISMATCH:
    'Use one `queueType` in all processes of a namespace. Otherwise delete the queue when it is empty: `dueque topology verify` shows the difference.',
  DECLARATION_REFUSED:
    'Look at that queue or exchange in the management UI and in the log of the broker. `dueque doctor` names lost streams.',
  NOT_BOUND: 'If the messages belong there, bind it: `dueque parked redrive --all --bind queue:NAME`.',
  BINDING_MISSING: 'Bind the queues and exchanges that `data.bindings` lists: `dueque plugin copy`.',
} satisfies Advice

const SENDING = {
  PUBLISH_TIMEOUT:
    'Look for an alarm or an overloaded broker: `dueque doctor`. With the outcome `unknown`, repeat the schedule with `repeat: error.receipt`.',
  MESSAGE_REFUSED:
    'Change the message: the broker closes the connection over it, whoever sends it. Look at its size and headers.',
  NOT_ENCODABLE: 'Change the headers or properties: AMQP cannot carry them.',
} satisfies Advice

const STORES = {
  STORE_ERROR:
    'Bring the store back, or give its user the missing right. With the outcome `unknown`, repeat the schedule with `repeat: error.receipt`.',
  STORE_NOT_READY:
    'Do what the message says: migrate the schema, change a setting, or use another version of the store.',
  STORED_MESSAGE_UNREADABLE: '`dueque doctor` names the entries. Run the version that wrote them, or delete them.',
  STORED_MESSAGE_MISSING:
    'The store was flushed, restarted or failed over: see what it keeps after a crash ([Redis](../guides/redis.md#what-a-crash-loses), [PostgreSQL](../operations/postgres.md#when-something-fails)).',
} satisfies Advice

const CONSUMING = {
  ALREADY_DECIDED: 'Call `retry` or `deadLetter` once, before the handler ends.',
  CLOSE_IN_HANDLER: 'Call `void mq.close()` in the handler, without `await`: the close waits for this handler.',
  CANCELLATIONS_UNREAD:
    '`dueque doctor` names the stream and the node. `onTailDown` says what consumers do meanwhile: [cancellations](../operations/cancellations.md).',
} satisfies Advice

const LOOKING = {
  JOURNAL_UNREAD:
    'Repeat the call. `dueque doctor` says which stream cannot be read: [journal](../operations/journal.md).',
  RECURRING_UNREAD:
    'Repeat the call. `dueque doctor` says why the stream cannot be read: [recurring messages](../operations/recurring.md).',
  MANAGEMENT_FAILED: 'Check the URL of `--management`, the user and its tag `monitoring`.',
  NOT_EMPTY: 'Wait until the messages are gone, or delete them all the same: `dueque topology delete --force`.',
  TELEMETRY_FAILED: 'Correct the hook that `data.hook` names. Messages are not affected.',
  CLOCK_STUCK: 'A handler does not end. `data.handlers` names it: [testing](../guides/testing.md#the-clock).',
} satisfies Advice

/** By what the call or the process was doing. */
export const GROUPS = {
  'Arguments of a call': CALL,
  'Connection and broker': CONNECTION,
  'Queues and exchanges': TOPOLOGY,
  Sending: SENDING,
  Stores: STORES,
  Consuming: CONSUMING,
  'Looking, operating, testing': LOOKING,
} as const

/** What to do about each code. A code without advice does not compile. */
export const ADVICE: Record<ErrorCode, string> = {
  ...CALL,
  ...CONNECTION,
  ...TOPOLOGY,
  ...SENDING,
  ...STORES,
  ...CONSUMING,
  ...LOOKING,
}
