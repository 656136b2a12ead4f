import type { WaitingRow } from '../../api.js'

export type Column = 'readyAt' | 'id' | 'name' | 'destination' | 'attempt'

export interface Order {
  by: Column
  descending: boolean
}

/** The order in which the server gives them. */
export const BY_TIME: Order = { by: 'readyAt', descending: false }

export function sortRows(rows: readonly WaitingRow[], { by, descending }: Order): WaitingRow[] {
  const sign = descending ? -1 : 1
  return rows.toSorted((a, b) => sign * compare(a[by], b[by]))
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** As a click on the head of a column changes the order. */
export function orderAfter({ by, descending }: Order, column: Column): Order {
  return { by: column, descending: by === column && !descending }
}
