import type { Dueque } from 'dueque'
import { dashboard } from 'dueque/dashboard'
import fastify, { type FastifyInstance } from 'fastify'

/** Below a path of an application. Put your login in front of it: everybody who reaches it may do everything. */
export function inFastify(mq: Dueque): FastifyInstance {
  const app = fastify()
  const board = dashboard(mq, { access: 'all' })
  void app.register((scope, _options, done) => {
    // The dashboard reads bodies itself.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
    for (const path of ['/dueque', '/dueque/*']) {
      scope.all(path, (request, reply) => {
        reply.hijack()
        board.node(request.raw, reply.raw)
      })
    }
    done()
  })
  return app
}
