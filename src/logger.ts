/** Where dueque writes what an operator may want to know. `console` fits. Messages hold no payload and no password. */
export interface Logger {
  debug(message: string, data?: Record<string, unknown>): void
  info(message: string, data?: Record<string, unknown>): void
  warn(message: string, data?: Record<string, unknown>): void
  error(message: string, data?: Record<string, unknown>): void
}

const ignore = () => undefined

export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
