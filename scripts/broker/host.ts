/** A machine on which programs run. */
export interface Host {
  readonly address: string
  /** The command, before that of a program, by which it runs there. */
  readonly enter: readonly string[]
}

export const THIS_MACHINE: Host = { address: '127.0.0.1', enter: [] }
