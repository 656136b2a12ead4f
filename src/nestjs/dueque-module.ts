import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common'
import { DiscoveryModule, DiscoveryService, ExternalContextCreator, MetadataScanner, ModuleRef } from '@nestjs/core'
import type { Dueque } from '../dueque.js'
import { DuequeHealthIndicator } from './dueque-health-indicator.js'
import { getDuequeToken } from './inject-dueque.js'
import { MessageConsumers } from './message-consumers.js'
import {
  checkModuleAsync,
  resolveFactory,
  resolveModule,
  type DuequeModuleAsyncOptions,
  type DuequeModuleOptions,
  type ModuleSettings,
} from './module-options.js'
import { OpenedConnection } from './opened-connection.js'

/**
 * A connection to the broker for an application of NestJS, which `@InjectDueque()` injects in every module, and the consumers of
 * the methods with `@OnMessage`.
 *
 * The application opens the connection before it is ready, and fails to start where `connect` fails. Consumers start in
 * `onApplicationBootstrap`, and drain in `onModuleDestroy`. The connection closes in `onApplicationShutdown`. Import it last in the
 * root module: Nest destroys modules in the reverse order, so handlers end before other modules do.
 *
 * @example
 * ```ts
 * @Module({ imports: [DuequeModule.forRoot({ url: 'amqp://localhost' })], providers: [Reminders] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class DuequeModule {
  /** @throws DuequeError `INVALID_OPTION` */
  static forRoot(options: DuequeModuleOptions = {}): DynamicModule {
    const settings = resolveModule(options)
    return moduleOf(settings.name, { useFactory: () => settings })
  }

  /**
   * As `forRoot`, with options from a factory.
   *
   * @throws DuequeError `INVALID_OPTION`
   * @example
   * DuequeModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ url: config.getOrThrow('AMQP_URL') }),
   * })
   */
  static forRootAsync(options: DuequeModuleAsyncOptions): DynamicModule {
    checkModuleAsync(options)
    const { name, imports = [], inject = [], useFactory } = options
    const settings = async (...args: unknown[]) => resolveFactory(await useFactory(...args), name)
    return moduleOf(name, { useFactory: settings, inject, imports })
  }
}

/** The part of it that every module sees. Global modules are the last ones that end. */
@Module({})
class DuequeConnectionModule {}

type Settings = Pick<DuequeModuleAsyncOptions, 'inject' | 'imports'> &
  Pick<FactoryProvider<ModuleSettings>, 'useFactory'>

function moduleOf(name: string | undefined, { useFactory, inject = [], imports = [] }: Settings): DynamicModule {
  const token = getDuequeToken(name)
  const settingsToken = `${token}: settings`
  const connection: DynamicModule = {
    module: DuequeConnectionModule,
    global: true,
    imports: [...imports, DiscoveryModule],
    providers: [
      { provide: settingsToken, useFactory, inject },
      {
        provide: OpenedConnection,
        useFactory: (discovery: DiscoveryService) => new OpenedConnection(discovery),
        inject: [DiscoveryService],
      },
      {
        provide: token,
        useFactory: (settings: ModuleSettings, opened: OpenedConnection) => opened.open(settings),
        inject: [settingsToken, OpenedConnection],
      },
      healthIndicator,
    ],
    exports: [token, settingsToken, DuequeHealthIndicator],
  }
  const consumers: Provider = {
    provide: MessageConsumers,
    useFactory: (mq: Dueque, settings: ModuleSettings, ...[discovery, scanner, creator, moduleRef]: Nest) =>
      new MessageConsumers(mq, settings, { discovery, scanner, creator, moduleRef }),
    inject: [token, settingsToken, DiscoveryService, MetadataScanner, ExternalContextCreator, ModuleRef],
  }
  return { module: DuequeModule, imports: [connection, DiscoveryModule], providers: [consumers] }
}

type Nest = [DiscoveryService, MetadataScanner, ExternalContextCreator, ModuleRef]

const healthIndicator: Provider = {
  provide: DuequeHealthIndicator,
  useFactory: (moduleRef: ModuleRef) => new DuequeHealthIndicator(moduleRef),
  inject: [ModuleRef],
}
