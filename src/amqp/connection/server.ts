import { DuequeError } from '../../base/errors.js'

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
  if (product !== 'RabbitMQ' || !isBefore3102(version)) return undefined
  // 3.10.0 and 3.10.1 crash a queue on a long TTL; at-least-once dead-lettering came with 3.10.0.
  const message = `RabbitMQ ${version} is too old: dueque needs RabbitMQ 3.10.2 or later`
  return new DuequeError('UNSUPPORTED', message, { feature: `RabbitMQ ${version}` })
}

function isBefore3102(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.+-]/).map(Number)
  return major < 3 || (major === 3 && (minor < 10 || (minor === 10 && patch < 2)))
}
