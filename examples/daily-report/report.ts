import { defineMessage } from 'dueque'
import { z } from 'zod'

export const report = defineMessage('report', z.object({ kind: z.string() }))
export const url = process.env['AMQP_URL'] ?? 'amqp://localhost'
