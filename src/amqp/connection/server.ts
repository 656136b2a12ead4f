import { DuequeError } from '../../base/errors.js'
import { isOlder, parseVersion } from '../../base/version.js'

/**
 * Whether the ladder's promises hold on a server, by what it says of itself when a connection starts. What is neither
 * known to be too old nor LavinMQ is let in.
 *
 * @returns why not: `UNSUPPORTED`
 */
export function unsupportedServer(properties: { product?: unknown; version?: unknown }): DuequeError | undefined {
  const { product } = properties
  const version = String(properties.version)
  if (product === 'LavinMQ') {
    const message =
      `this is LavinMQ ${version}, and dueque needs RabbitMQ 3.10.2 or later: LavinMQ has no quorum queues, expires ` +
      'messages up to 100 ms early, and loses dead-lettered ones in a crash (option: url)'
    return new DuequeError('UNSUPPORTED', message, { feature: `LavinMQ ${version}` })
  }
  const parsed = parseVersion(version)
  if (product !== 'RabbitMQ' || !parsed || !isOlder(parsed, [3, 10, 2])) return undefined
  // 3.10.0 and 3.10.1 crash a queue on a long TTL; at-least-once dead-lettering came with 3.10.0.
  const message = `RabbitMQ ${version} is too old: dueque needs RabbitMQ 3.10.2 or later`
  return new DuequeError('UNSUPPORTED', message, { feature: `RabbitMQ ${version}` })
}
