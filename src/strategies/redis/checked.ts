import { invalidOption } from '../../errors.js'

/** @throws DuequeError `INVALID_OPTION` */
export function checkPrefix(prefix: unknown): void {
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,100}$/.test(prefix))
    throw invalidOption('prefix', 'up to 100 characters without braces and spaces', prefix)
}

/** @throws DuequeError `INVALID_OPTION` */
export function checkTimeout(timeoutMs: unknown): void {
  if (!Number.isInteger(timeoutMs) || (timeoutMs as number) < 1 || (timeoutMs as number) > 3_600_000)
    throw invalidOption('timeoutMs', 'a whole number from 1 to 3600000', timeoutMs)
}
