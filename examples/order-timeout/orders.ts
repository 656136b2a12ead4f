// The shop's table of orders. Here two files for each order; in your shop it is a row of a database.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Receipt } from 'dueque'

export type Outcome = 'paid' | 'cancelled'

const folder = process.env['ORDERS'] ?? join(tmpdir(), 'dueque-orders')
await mkdir(folder, { recursive: true })
const file = (order: string, what: 'timeout' | 'outcome') => join(folder, `${encodeURIComponent(order)}.${what}`)

/** @param timeout of the message that is due when the order has to be paid: plain JSON */
export async function placeOrder(order: string, timeout: Receipt): Promise<void> {
  await writeFile(file(order, 'timeout'), JSON.stringify(timeout))
}

export async function timeoutOf(order: string): Promise<Receipt> {
  return JSON.parse(await readFile(file(order, 'timeout'), 'utf8')) as Receipt
}

/**
 * The first outcome of an order counts: `update orders set outcome = $2 where id = $1 and outcome is null`.
 *
 * @returns the one that counts
 */
export async function settleOrder(order: string, outcome: Outcome): Promise<Outcome> {
  try {
    await writeFile(file(order, 'outcome'), outcome, { flag: 'wx' })
    return outcome
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readFile(file(order, 'outcome'), 'utf8')) as Outcome
  }
}
