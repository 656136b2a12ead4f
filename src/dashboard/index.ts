/**
 * dueque/dashboard: pages of the messages of a connection.
 *
 * To read the source, follow a request: dashboard.ts puts everything together → http/node-adapter.ts → handler.ts (who may look, and
 * from which site) → routes/ (what is asked) → jobs/ (changes that take long) and looks/ (looks that viewers share). The pages are in
 * ui/, and api.ts is what both sides say to each other.
 */
export { dashboard, type Dashboard } from './dashboard.js'
export type { DashboardOptions } from './dashboard-options.js'
export type { Access, AccessOf } from './access.js'
export type { Permission } from './api.js'
export type { NodeHandler } from './http/node-adapter.js'
