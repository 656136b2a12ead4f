import type { Part } from '../../amqp/topology/part.js'

/** Parts as a definitions file of RabbitMQ has them: `rabbitmqctl import_definitions`, the management UI, an operator's repository. */
export function definitionsOf(parts: readonly Part[], vhost: string) {
  const exchanges = parts.flatMap((part) =>
    part.kind === 'exchange'
      ? [{ name: part.name, vhost, type: part.type, durable: true, auto_delete: false, arguments: part.arguments }]
      : [],
  )
  const queues = parts.flatMap((part) =>
    part.kind === 'queue'
      ? [{ name: part.name, vhost, durable: true, auto_delete: false, arguments: part.arguments }]
      : [],
  )
  const bindings = parts.flatMap((part) =>
    part.kind === 'binding'
      ? [
          {
            source: part.from,
            vhost,
            destination: part.name,
            destination_type: part.to,
            routing_key: part.key,
            arguments: {},
          },
        ]
      : [],
  )
  return { exchanges, queues, bindings }
}
