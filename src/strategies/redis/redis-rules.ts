import { integer, type Rule } from '../../base/checks.js'
import { portOf } from './clients/port-of.js'

export const aClient: Rule = (value) => {
  portOf(value)
  return undefined
}

export const aPrefix: Rule = (value) =>
  typeof value === 'string' && /^[^{}\s]{1,100}$/.test(value)
    ? undefined
    : 'up to 100 characters without braces and spaces'

export const aTimeout = integer(1, 3_600_000)
