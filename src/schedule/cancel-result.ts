/**
 * The answer to a cancellation, and what it says of the old schedule after a reschedule.
 *
 * |               | redis, postgres, memory: exact                  | ladder, plugin, memory as a log: by a record that consumers read       |
 * |---------------|-------------------------------------------------|------------------------------------------------------------------------|
 * | `cancelled`   | it waited, and waits no more                    | the record was confirmed at least the margin (`marginMs`) before due: no |
 * |               |                                                 | handler starts for it                                                  |
 * | `too-late`    | never                                           | the record was confirmed later than that: the message is dropped       |
 * |               |                                                 | wherever a consumer still meets it                                     |
 * | `unknown`     | never                                           | the target has no due time: one of the two above. A message that is    |
 * |               |                                                 | due in more than 30 days is handled all the same                       |
 * | `not-waiting` | it was delivered, is on its way, or never was   | never: RabbitMQ cannot look up a waiting message. Only the event of a  |
 * |               |                                                 | `reschedule` without content has it, if the journal finds none         |
 */
export type CancelResult = 'cancelled' | 'too-late' | 'unknown' | 'not-waiting'
