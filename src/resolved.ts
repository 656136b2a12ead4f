/** Options with their defaults filled in. */
export type Resolved<T> = { [K in keyof T]-?: Exclude<T[K], undefined> }
