/**
 * dueque: delayed messages on RabbitMQ.
 *
 * To read the source, follow a message: connect.ts → schedule/ → message/ → strategies/ladder (it waits) → amqp/publish →
 * amqp/receive → consumer/consumer.ts → dispatch.ts → handling.ts → follow-ups.ts (a retry waits again). With a store: … →
 * strategies/store → redis or postgres → relay.ts → amqp/publish → … A cancellation: schedule/cancellation-methods.ts →
 * cancellation/log.ts (a stream) → tail.ts → gated-tail.ts → consumer/dispatch.ts, which drops the message. A look at waiting
 * messages: schedule/view-methods.ts → journal/view → journal/reading → journal/waiting (an index), of records that
 * journal/writing wrote beside the messages.
 */
/// <reference lib="esnext.disposable" preserve="true" />
export { connect } from './connect.js'
export type { Dueque, ScheduleItem, StrategyMethods } from './dueque.js'
export type { CancellationOptions, ConnectOptions } from './options.js'
export type { TlsOptions } from './amqp/connection/tls.js'
export type { QueueType, TopologyMode } from './amqp/topology/names.js'
export { defineMessage, type MessageDefinition, type MessageOptions, type PayloadOf } from './message/definition.js'
export type { AddressOptions, Repeat, ScheduleOptions, SendOptions } from './schedule/schedule-options.js'
export type { ScheduleFailure, ScheduleResult, ScheduleRun, ScheduleSummary } from './schedule/schedule-run.js'
export type { BulkOptions, StrategyBulkOptions } from './schedule/batching/bulk-options.js'
export type { BulkRun } from './schedule/lazy-run.js'
export type { ItemFailure } from './schedule/item-failures.js'
export type { ItemResult } from './schedule/run-all.js'
export type { Receipt } from './message/receipt.js'
export type { Due } from './message/due.js'
export type { Duration, DurationParts } from './message/duration.js'
export type { Destination, ExchangeDestination, QueueDestination } from './message/destination.js'
export type { DelayedMessage } from './message/delayed-message.js'
export type { Arrived } from './message/envelope.js'
export type { HeaderValue, Headers } from './message/headers.js'
export { on, onAny, type Delivery, type Handler } from './consumer/delivery.js'
export type { Consumer, ConsumerStats } from './consumer/stats.js'
export type { CloseOptions, ConsumeOptions } from './consumer/options.js'
export type { ExponentialBackoff, RetryPolicy } from './consumer/retry.js'
export type { DedupeOptions } from './consumer/copies/dedupe.js'
export type { DedupeStore } from './strategies/dedupe-store.js'
export type { DuplicateWindow } from './consumer/copies/duplicates.js'
export type { CancellationHealth, Health, JournalHealth, RecurringHealth, StoreFaultCounts } from './health.js'
export type {
  CancelledEvent,
  DeadEvent,
  DuequeEvents,
  HandledEvent,
  ParkedEvent,
  ParkedReason,
  RetriedEvent,
} from './events.js'
export {
  DuequeError,
  isDuequeError,
  type ErrorCode,
  type DuequeErrorOptions,
  type ErrorData,
  type Outcome,
  type PayloadIssue,
} from './base/errors.js'
export type { Logger, NestLogger } from './base/logger.js'
export type { BulkInfo, BulkOutcome, CancelInfo, ProcessInfo, ScheduleInfo, Telemetry } from './telemetry.js'
export type { Clock, Timeline } from './base/clock.js'
export type { Arrival, Broker, BrokerHealth, PublishOptions, SubscribeOptions, Subscription } from './broker.js'
export type { DeadReason, Death } from './message/death.js'
export type { Environment, Limits, OnConflict, Strategy, WaitOptions } from './strategies/strategy.js'
export type { Cancellations } from './strategies/cancellations.js'
export type { DefinitionRecord, RecurringDefinitions } from './strategies/recurring-definitions.js'
export type { CancellationRecord } from './cancellation/cancellation-record.js'
export type { OnTailDown } from './cancellation/on-tail-down.js'
export type { CancelTarget } from './schedule/target.js'
export type { CancelResult } from './schedule/cancel-result.js'
export type { CancelItemResult, CancelRun, CancelSummary } from './schedule/cancel-run.js'
export type { ConflictOptions } from './schedule/conflict-options.js'
export type { RescheduleContent, RescheduleOptions } from './schedule/reschedule-content.js'
export type { JournalOn, JournalOption, JournalOptions } from './journal/journal-options.js'
export type { TransactionOptions } from './schedule/transaction-options.js'
export type { TransactionWaitlist, Waitlist } from './strategies/waitlist.js'
export type {
  JournalledMessage,
  ListedMessage,
  Position,
  SpanCount,
  WaitingView,
  WaitlistFilter,
} from './strategies/waiting-view.js'
export type { DestinationCount } from './strategies/destination-counts.js'
export type {
  CancelMethods,
  ListOptions,
  Rescheduled,
  StrategyScheduleOptions,
  TransactionMethods,
  CountUnit,
  WaitingCount,
  WaitingFilter,
  WaitingMessage,
  WaitingMethods,
  WaitingPage,
} from './schedule/waiting.js'
export type {
  BackfillOptions,
  BackfillSummary,
  Recurring,
  RecurringItem,
  RecurringListOptions,
  RecurringMethods,
  RecurringPage,
  RecurringSchedule,
  SetResult,
  SetRun,
  SetSchedule,
  SetSummary,
} from './recurring/recurring.js'
export type {
  CronTimes,
  EveryTimes,
  Instant,
  RecurringContent,
  RecurringOptions,
} from './recurring/recurring-options.js'
export { ladder, type JournalledLadder, type LadderOptions, type LadderStrategy } from './strategies/ladder/ladder.js'
export { plugin, type JournalledPlugin, type PluginOptions, type PluginStrategy } from './strategies/plugin/plugin.js'
export { startGate, type GateProcess, type GateStats } from './forwarding/gate-process.js'
export type { GateOptions } from './forwarding/gate-options.js'
export { startIntake, type Intake, type IntakeOptions, type IntakeStats } from './forwarding/intake.js'
export {
  memory,
  type InMemory,
  type MemoryJournalStrategy,
  type MemoryLogStrategy,
  type MemoryOptions,
  type MemoryStrategy,
} from './strategies/memory/memory.js'
export type { ExchangeType } from './strategies/memory/exchange.js'
export type { MemoryWaitlist } from './strategies/memory/memory-waitlist.js'
export type { MemoryBroker } from './strategies/memory/memory-broker.js'
export { manualClock, type ManualClock } from './strategies/memory/manual-clock.js'
