/** The semantic conventions that the names follow. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.44.0'

/**
 * Names of attributes. Beginning with `dueque.`: ours. The others: semantic conventions for messaging and RabbitMQ. docs/reference/telemetry.md
 * says where each of them is used.
 */
export const ATTRIBUTE = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  routingKey: 'messaging.rabbitmq.destination.routing_key',
  messageId: 'messaging.message.id',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type',
  failedCount: 'dueque.batch.failed_count',
  messageName: 'dueque.message.name',
  dueAt: 'dueque.message.due_at',
  attempt: 'dueque.message.attempt',
  latenessMs: 'dueque.message.lateness_ms',
  recurringId: 'dueque.recurring.id',
  scheduledFor: 'dueque.recurring.scheduled_for',
  outcome: 'dueque.outcome',
  reason: 'dueque.reason',
  state: 'dueque.state',
  role: 'dueque.connection.role',
} as const

/** Names of metrics, likewise. */
export const METRIC = {
  sent: 'messaging.client.sent.messages',
  consumed: 'messaging.client.consumed.messages',
  operationDuration: 'messaging.client.operation.duration',
  processDuration: 'messaging.process.duration',
  lateness: 'dueque.message.lateness',
  messages: 'dueque.messages',
  outcomes: 'dueque.message.outcomes',
  deadLetters: 'dueque.dead_letters',
  parked: 'dueque.parked_messages',
  cancellations: 'dueque.cancellations',
  cancellationLag: 'dueque.cancellations.lag',
  connections: 'dueque.connections',
} as const
