import { createServer, type Server } from 'node:http'
import type { Dueque } from 'dueque'
import { dashboard } from 'dueque/dashboard'

/** The dashboard as the whole server. */
export function overNodeHttp(mq: Dueque): Server {
  const board = dashboard(mq, { access: 'read' })
  return createServer(board.node)
}
