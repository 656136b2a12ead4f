/** A clock that runs `speed` times as fast as the real one, from `clinicStart` at the instant `realStart`. */
export interface ClinicClock {
  readonly realStart: number
  readonly clinicStart: number
  readonly speed: number
}

/** A clock that shows `clinicTime` in `leadMs` real milliseconds from now. */
export function clockTo(clinicTime: number, { leadMs, speed }: { leadMs: number; speed: number }): ClinicClock {
  return { realStart: Date.now(), clinicStart: clinicTime - leadMs * speed, speed }
}

/** The real instant of a time on the clinic's clock. */
export function realTime({ realStart, clinicStart, speed }: ClinicClock, clinicTime: number): number {
  return Math.ceil(realStart + (clinicTime - clinicStart) / speed)
}

/** What the clinic's clock shows at a real instant. */
export function clinicTime({ realStart, clinicStart, speed }: ClinicClock, realTime: number): number {
  return clinicStart + (realTime - realStart) * speed
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** `Tue 08:15`, as a clock on the wall shows it where `zoneOf`, an ISO 8601 string with an offset, is from. */
export function wallClock(time: number, zoneOf: string): string {
  const [sign, hours, minutes] = [zoneOf.at(-6), zoneOf.slice(-5, -3), zoneOf.slice(-2)]
  const offset = zoneOf.endsWith('Z') ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  const local = new Date(time + offset * 60_000)
  return `${DAYS[local.getUTCDay()]!} ${local.toISOString().slice(11, 16)}`
}
