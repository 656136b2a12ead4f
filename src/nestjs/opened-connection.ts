import { Logger } from '@nestjs/common'
import type { DiscoveryService } from '@nestjs/core'
import { DuequeError } from '../base/errors.js'
import { allEnded } from '../base/end-all.js'
import { connect } from '../connect.js'
import type { Dueque } from '../dueque.js'
import type { ModuleSettings } from './module-options.js'

/** The connection that a module of an application has opened. It closes that, and no other one. */
export class OpenedConnection {
  readonly #discovery: DiscoveryService
  #opening: Promise<Dueque> | undefined
  #drainTimeoutMs = 0
  #isOver = false

  constructor(discovery: DiscoveryService) {
    this.#discovery = discovery
  }

  /** @throws DuequeError as `connect`. The application does not start then: the connections that it has opened close. */
  async open({ connection, connect: options, drainTimeoutMs }: ModuleSettings): Promise<Dueque> {
    if (connection) return connection
    // Another connection has failed to open, while the options of this one were still awaited.
    if (this.#isOver) throw new DuequeError('CLOSED', 'the application does not start', {})
    this.#drainTimeoutMs = drainTimeoutMs
    this.#opening = connect({ ...options, logger: options.logger ?? new Logger('dueque') })
    try {
      return await this.#opening
    } catch (error) {
      // Others may still be connecting, which may take longer than Nest should wait for this error.
      void closeConnections(this.#discovery)
      throw error
    }
  }

  /** After the last request is answered: until then, its handler may schedule. */
  async onApplicationShutdown(): Promise<void> {
    this.#isOver = true
    const mq = await this.#opening?.catch(() => undefined)
    await mq?.close({ drainTimeoutMs: this.#drainTimeoutMs })
  }
}

/**
 * For an application that does not start: Nest tells none of its providers, and nobody else has the connections that it opened.
 * Never rejects.
 */
export async function closeConnections(discovery: DiscoveryService): Promise<void> {
  const instances = discovery.getProviders().map(({ instance }) => instance as unknown)
  const opened = instances.filter((instance) => instance instanceof OpenedConnection)
  await allEnded(opened.map((one) => one.onApplicationShutdown())).catch(() => undefined)
}
