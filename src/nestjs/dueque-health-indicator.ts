import type { ModuleRef } from '@nestjs/core'
import type { Dueque } from '../dueque.js'
import type { Health } from '../health.js'
import { getDuequeToken } from './inject-dueque.js'

/** The result of a health indicator of terminus, with the state of the connection: `Dueque.health`. */
export type DuequeHealthResult<Key extends string = string> = Record<
  Key,
  { status: 'up' | 'down' } & Omit<Health, 'ok'>
>

/**
 * A health indicator for `@nestjs/terminus`. Every module can inject it.
 *
 * @example
 * this.health.check([() => this.dueque.isHealthy('rabbitmq')])
 */
export class DuequeHealthIndicator {
  readonly #moduleRef: ModuleRef

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef
  }

  /**
   * `up` while messages can be scheduled and every consumer receives. It asks neither broker nor store, and never waits.
   *
   * @param key of the result
   * @param connection the name of the connection, as given to `DuequeModule.forRoot`
   */
  isHealthy<Key extends string>(key: Key, connection?: string): Promise<DuequeHealthResult<Key>> {
    return Promise.resolve().then(() => {
      const mq = this.#moduleRef.get<Dueque>(getDuequeToken(connection), { strict: false })
      const { ok, ...health } = mq.health()
      return { [key]: { status: ok ? 'up' : 'down', ...health } } as DuequeHealthResult<Key>
    })
  }
}
