import { Module, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { onTestFinished } from 'vitest'

/** Errors reject, and end no process. */
export const QUIET: object = { logger: false, abortOnError: false }

/** A NestJS application without HTTP, started, which ends with the test. */
export async function startNest(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(rootModule(metadata), QUIET)
  onTestFinished(() => app.close())
  return app
}

/** A class of its own for each application, as a program has. */
export function rootModule(metadata: ModuleMetadata): new () => object {
  @Module(metadata)
  class AppModule {}
  return AppModule
}
