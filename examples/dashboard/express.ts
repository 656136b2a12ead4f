import { createServer, type Server } from 'node:http'
import type { Dueque } from 'dueque'
import { dashboard } from 'dueque/dashboard'
import express, { type NextFunction, type Request, type Response } from 'express'

/** Below a path of an application, behind its own login. */
export function inExpress(
  mq: Dueque,
  login: (request: Request, response: Response, next: NextFunction) => void,
): Server {
  const app = express()
  const board = dashboard(mq, { access: 'all' })
  app.use('/admin/dueque', login, board.node)
  return createServer(app)
}
