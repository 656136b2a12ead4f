import { DuequeError, isDuequeError, type ErrorCode } from '../../base/errors.js'

/** These mean the journal here, and not something that the caller asked for. */
const OF_BROKER: readonly ErrorCode[] = ['BROKER_ERROR', 'TOPOLOGY_MISMATCH', 'DESTINATION_MISSING']

/** The error for a question to which the streams gave no answer, if `cause` says no more. */
export function unread(namespace: string, cause: unknown): unknown {
  if (!isDuequeError(cause) || !OF_BROKER.includes(cause.code)) return cause
  const message = `the journal of the namespace ${namespace} cannot be read: ${cause.message}. \`dueque doctor\` looks for the cause`
  return new DuequeError('JOURNAL_UNREAD', message, {}, { cause })
}

/** @param resource a stream that is missing */
export function noJournal(namespace: string, resource: string): DuequeError<'TOPOLOGY_MISSING'> {
  const todo = 'Schedule with ladder({ journal: true }), or declare it: dueque topology apply --journal'
  const message = `the namespace ${namespace} has no journal of waiting messages: ${resource} is missing. ${todo}`
  return new DuequeError('TOPOLOGY_MISSING', message, { resource })
}
