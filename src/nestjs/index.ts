/**
 * dueque in NestJS: connections as providers, methods that handle messages through Nest's own pipeline, a health indicator.
 */
/// <reference lib="esnext.disposable" preserve="true" />
export { DuequeModule } from './dueque-module.js'
export type { DuequeConnection, DuequeModuleAsyncOptions, DuequeModuleOptions } from './module-options.js'
export { getDuequeToken, InjectDueque } from './inject-dueque.js'
export { OnAnyMessage, OnMessage, type MessageMethodDecorator, type OnMessageOptions } from './on-message.js'
export { MessageDelivery, MessagePayload } from './message-parameters.js'
export { DuequeHealthIndicator, type DuequeHealthResult } from './dueque-health-indicator.js'
