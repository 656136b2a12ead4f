import { Inject } from '@nestjs/common'
import { checkOne, nonEmptyText } from '../base/checks.js'

/** The name of the connection without a name. */
export const DEFAULT_CONNECTION = 'default'

/**
 * The token of a connection, for `overrideProvider`, `app.get` and the `inject` of a factory.
 *
 * @param name of the connection, as given to `DuequeModule.forRoot`
 * @throws DuequeError `INVALID_OPTION`
 */
export function getDuequeToken(name: string = DEFAULT_CONNECTION): string {
  checkOne('name', nonEmptyText, name)
  return `dueque connection "${name}"`
}

/**
 * Injects a connection of {@link DuequeModule}.
 *
 * @param name of the connection, as given to `DuequeModule.forRoot`
 * @throws DuequeError `INVALID_OPTION`
 * @example
 * constructor(@InjectDueque() private readonly mq: DuequeConnection) {}
 */
export function InjectDueque(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getDuequeToken(name))
}
