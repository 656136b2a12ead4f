// Stands for your report. Here it is a file for each occurrence, in the folder REPORTS.
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = process.env['REPORTS'] ?? join(tmpdir(), 'dueque-reports')

/**
 * @param day the time of the calendar that the report is for; undefined if somebody asked for it by hand
 * @param key the same for each delivery of one report: a second one changes nothing
 */
export async function makeReport(kind: string, day: Date | undefined, key: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const text = `the ${kind} report of ${day ? day.toISOString().slice(0, 10) : 'today'}`
  await writeFile(join(folder, encodeURIComponent(key)), text)
  console.log(text)
}
