/** Options with their defaults filled in. */
export type WithDefaults<T> = { [K in keyof T]-?: Exclude<T[K], undefined> }
