// A service that schedules and handles reminders, with a dashboard, metrics and a health check.
import { connect, isDuequeError, ladder, on } from 'dueque'
import { dashboard } from 'dueque/dashboard'
import { prometheus } from 'dueque/prometheus'
import fastify from 'fastify'
import { reminder } from './reminder.js'

const telemetry = prometheus()
const mq = await connect({
  url: process.env['AMQP_URL'],
  waitMs: 60_000,
  telemetry,
  strategy: ladder({ journal: { index: true } }), // the dashboard lists the waiting reminders
})
await mq.consume('reminders', [
  on(reminder, ({ payload: { patient, room } }) => console.log(`remind ${patient} of room ${room}`)),
])

const app = fastify()

app.post<{ Body: { patient: string; room: string; in: string } }>('/reminders', async ({ body }, reply) => {
  const { in: delay, ...payload } = body
  reply.code(202)
  return mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: delay })
})

app.setErrorHandler(async (error, _request, reply) => {
  const isTheirs = isDuequeError(error, 'INVALID_PAYLOAD') || isDuequeError(error, 'INVALID_DUE')
  const { message, statusCode = 503 } = error as Error & { statusCode?: number } // Fastify's own have one
  return reply.code(isTheirs ? 400 : statusCode).send({ error: message })
})

app.get('/health', async (_request, reply) => reply.code(mq.health().ok ? 200 : 503).send(mq.health()))

app.get('/metrics', async (_request, reply) => reply.type(telemetry.contentType).send(await telemetry.metrics()))

const board = dashboard(mq) // for looking; with { access: 'all' } it can cancel and redrive too
const login = `Basic ${Buffer.from(`admin:${process.env['DASHBOARD_PASSWORD'] ?? crypto.randomUUID()}`).toString('base64')}`
await app.register((scope, _options, done) => {
  // Your login.
  scope.addHook('onRequest', async ({ headers }, reply) => {
    if (headers.authorization !== login) return reply.code(401).header('www-authenticate', 'Basic').send()
  })
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

app.addHook('onClose', async () => {
  await board.close()
  await mq.close() // handlers finish, schedules are confirmed
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void app.close())

console.log(`listening on ${await app.listen({ port: Number(process.env['PORT'] ?? 8080) })}`)
