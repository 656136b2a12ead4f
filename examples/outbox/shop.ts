import { defineMessage } from 'dueque'
import { Pool } from 'pg'
import { z } from 'zod'

export const orderPlaced = defineMessage('order.placed', z.object({ order: z.string() }))
export const orderTimeout = defineMessage('order.timeout', z.object({ order: z.string() }))

export const url = process.env['AMQP_URL'] ?? 'amqp://localhost'
export const pool = new Pool({ connectionString: process.env['DATABASE_URL'] ?? 'postgres://localhost/postgres' })
