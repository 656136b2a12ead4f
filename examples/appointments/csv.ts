import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'

const appointment = z.object({
  id: z.string().min(1),
  patient: z.string().min(1),
  practitioner: z.string(),
  room: z.string(),
  /** With the offset of the place: two sites, two zones. */
  start: z.iso.datetime({ offset: true }),
  minutes: z.coerce.number().int().positive(),
  notes: z.string(),
})

export type Appointment = z.infer<typeof appointment>

/** A row that cannot be used, and why. */
export interface SkippedRow {
  line: number
  reason: string
}

/** The valid and the invalid rows of a file. One bad row does not stop the rest. */
export async function readAppointments(file: string | URL) {
  const appointments: Appointment[] = []
  const skipped: SkippedRow[] = []
  const rows = parse(await readFile(file), {
    columns: true,
    bom: true,
    info: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      skipped.push({ line: Number(error?.['lines']), reason: error?.message ?? 'unreadable' })
      return undefined
    },
  }) as unknown as { record: Record<string, string>; info: { lines: number } }[]
  for (const { record, info } of rows) {
    const { data, error } = appointment.safeParse(record)
    if (data) appointments.push(data)
    else skipped.push({ line: info.lines, reason: error.issues.map((issue) => describe(issue, record)).join('; ') })
  }
  return { appointments, skipped }
}

/** The new start of each appointment that was moved, by its id. */
export async function readMoves(file: string | URL): Promise<ReadonlyMap<string, string>> {
  const rows = parse(await readFile(file), { columns: true, bom: true })
  const moves = z.array(appointment.pick({ id: true, start: true })).parse(rows)
  return new Map(moves.map(({ id, start }) => [id, start]))
}

function describe({ path, message }: z.core.$ZodIssue, record: Record<string, string>): string {
  const column = String(path[0])
  return `${column} '${record[column] ?? ''}': ${message}`
}
