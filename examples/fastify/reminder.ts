import { defineMessage } from 'dueque'
import { z } from 'zod'

export const reminder = defineMessage('appointment.reminder', z.object({ patient: z.string(), room: z.string() }))
