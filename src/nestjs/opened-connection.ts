import { Logger } from '@nestjs/common'
import { connect } from '../connect.js'
import type { Dueque } from '../dueque.js'
import type { ModuleSettings } from './module-options.js'

/** The connection that a module of an application has opened. It closes that, and no other one. */
export class OpenedConnection {
  #opened: { mq: Dueque; drainTimeoutMs: number } | undefined

  /** @throws DuequeError as `connect` */
  async open({ connection, connect: options, drainTimeoutMs }: ModuleSettings): Promise<Dueque> {
    if (connection) return connection
    const mq = await connect({ ...options, logger: options.logger ?? new Logger('dueque') })
    this.#opened = { mq, drainTimeoutMs }
    return mq
  }

  /** After the last request is answered: until then, its handler may schedule. */
  async onApplicationShutdown(): Promise<void> {
    const { mq, drainTimeoutMs } = this.#opened ?? {}
    await mq?.close({ drainTimeoutMs })
  }
}
