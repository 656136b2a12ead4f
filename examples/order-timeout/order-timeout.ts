import { defineMessage } from 'dueque'
import { z } from 'zod'

export const orderTimeout = defineMessage('order.timeout', z.object({ order: z.string() }))
export const queue = 'order-timeouts'
export const url = process.env['AMQP_URL'] ?? 'amqp://localhost'
