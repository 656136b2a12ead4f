/** So many callers, each of which makes one call after another until no items are left. */
export async function byCallers<T>(
  items: Iterable<T>,
  callers: number,
  call: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const caller = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await call(next.value)
  }
  await Promise.all(Array.from({ length: callers }, caller))
}
