import type { DuequeError } from '../base/errors.js'

/** An item that failed. */
export interface ItemFailure<Item = unknown> {
  /** Its place in the input. */
  readonly index: number
  readonly item: Item
  readonly error: DuequeError
}

const MOST_KEPT = 1000

/** Counts the failures of a run, and keeps the first ones. */
export class ItemFailures<Item> {
  readonly kept: ItemFailure<Item>[] = []
  count = 0

  add({ index, item, error }: ItemFailure<Item>): void {
    if (this.count++ < MOST_KEPT) this.kept.push({ index, item, error })
  }
}
