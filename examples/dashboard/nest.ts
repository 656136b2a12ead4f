import 'reflect-metadata'
import { Module, type INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Dueque } from 'dueque'
import { dashboard } from 'dueque/dashboard'

class AppModule {
  readonly name = 'app'
}
Module({})(AppModule)

/** Below a path of an application, on either platform of Nest over node:http. */
export async function inNest(mq: Dueque): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule)
  const board = dashboard(mq, { access: 'all' })
  app.use('/dueque', board.node)
  return app
}
