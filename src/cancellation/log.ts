import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { Timeline } from '../base/clock.js'
import { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { cancellationLayout } from '../log/log-layout.js'
import { StreamLog } from '../log/stream-log.js'
import type { CancellationRecord } from './cancellation-record.js'
import { encodeRecord } from './record.js'

/** The log of cancellations of a namespace. */
export function cancellationLog(broker: AmqpBroker, clock: Timeline, logger: Logger): StreamLog {
  return new StreamLog({ broker, layout: cancellationLayout(broker.names), clock, logger })
}

/** The facet of a strategy that writes to the log of its broker. */
export function cancellationFacet(name: string, log: () => StreamLog | undefined) {
  const closed = () => Promise.reject(new DuequeError('CLOSED', `the strategy ${name} is not started`, {}))
  return {
    /** Resolves when the record is confirmed, which may be while its message is handled: the caller looks at the time. */
    write: (record: CancellationRecord): Promise<void> => log()?.write(encodeRecord(record), record.due) ?? closed(),
    ready: (): Promise<void> => log()?.ready() ?? closed(),
  }
}
