import { createServer, type Server } from 'node:http'
import type { Dueque } from 'dueque'
import { dashboard } from 'dueque/dashboard'
import Koa from 'koa'

/** Below a path of an application. Put your login in front of it: everybody who reaches it may do everything. */
export function inKoa(mq: Dueque): Server {
  const app = new Koa()
  const board = dashboard(mq, { access: 'all' })
  app.use((context, next) => {
    if (!/^\/dueque(\/|$)/.test(context.path)) return next()
    context.respond = false
    board.node(context.req, context.res)
    return undefined
  })
  const handle = app.callback()
  return createServer((request, response) => void handle(request, response))
}
