import { AmqpBroker } from '../amqp/amqp-broker.js'
import { quietEvents } from '../amqp/connection/quiet-events.js'
import { invalidOption, type DuequeError } from '../base/errors.js'
import type { Health } from '../health.js'
import { resolveOptions, type ConnectOptions } from '../options.js'
import { openSession } from '../session.js'
import type { TickerTimes } from './ticker-times.js'
import { newTicker } from './ticker-watch.js'

/** A process that only runs the ticker of recurring messages. */
export interface TickerProcess {
  /**
   * `ok` is false while one of the connections is away, RabbitMQ takes no messages, the queue of ticks cannot be read, or the ticker
   * has stepped back.
   */
  health(): Health
  /** Finishes the ticks that are under way, gives the others back, and closes the connections. Idempotent. */
  close(): Promise<void>
}

const DRAIN_MS = 30_000

/**
 * Starts a ticker, and declares the queue of ticks if it is missing. Any number may run: one of them is active.
 *
 * @throws DuequeError as `connect` does; `PERMISSION_DENIED` without the right to read the queue of ticks
 */
export async function startTicker(
  options: ConnectOptions,
  onError: (error: DuequeError) => void,
  times?: Partial<TickerTimes>,
): Promise<TickerProcess> {
  const resolved = resolveOptions(options)
  const broker = new AmqpBroker(resolved, quietEvents({ error: onError }))
  const ticker = newTicker(broker, resolved, { hooks: undefined, onError, times })
  if (!ticker) throw invalidOption('strategy', 'one that keeps recurring messages', resolved.strategy.name)
  const session = await openSession(broker, resolved, { onError })
  let closing: Promise<void> | undefined
  const close = async () => {
    await ticker.close(DRAIN_MS)
    await session.close()
  }
  const stop = () => (closing ??= close())
  try {
    await ticker.start()
  } catch (error) {
    await stop()
    throw error
  }
  return { health: () => healthOf(closing === undefined), close: stop }

  function healthOf(isOpen: boolean): Health {
    const health = broker.health()
    const [recurring, store] = [ticker?.health(), resolved.strategy.storeHealth?.()]
    const isUp = health.producer === 'up' && health.consumer === 'up' && store !== 'down'
    const isTicking = recurring?.state !== 'down' && recurring?.state !== 'stepped-back'
    const ok = isOpen && isUp && isTicking
    return { ok, ...health, ...(store && { store }), ...(recurring && { recurring }) }
  }
}
