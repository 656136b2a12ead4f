import { defineMessage } from 'dueque'
import { z } from 'zod'

export const orderTimeout = defineMessage('order.timeout', z.object({ order: z.string() }))
export const queue = 'nest-order-timeouts'
