import { errorText, invalidOption } from '../../../base/errors.js'
import { hasMethods, overError, type OrmTransaction } from './orm-transaction.js'

/** A client of Prisma in an interactive transaction. */
export interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>
  /** Only `prisma` itself has it. */
  $connect?: never
}

/**
 * A transaction of Prisma, for the option `transaction`: the argument of the callback of `prisma.$transaction`.
 *
 * @throws DuequeError `INVALID_OPTION` for `prisma` itself
 * @example
 * await prisma.$transaction(async (tx) => {
 *   await tx.appointment.create({ data: { … } })
 *   await mq.schedule(reminder, payload, { to: { queue: 'reminders' }, in: '24h', transaction: fromPrisma(tx) })
 * })
 */
export function fromPrisma(tx: PrismaTransaction): OrmTransaction {
  if (!isOfPrisma(tx) || hasMethods(tx, '$connect'))
    throw invalidOption('transaction', 'a transaction of Prisma, such as prisma.$transaction gives its callback', tx)
  return {
    orm: 'Prisma',
    of: tx,
    isOpen: () => undefined,
    async query(text, values) {
      try {
        return await tx.$queryRawUnsafe(text, ...values)
      } catch (error) {
        throw serverError(error)
      }
    },
  }
}

export function isOfPrisma(value: unknown): value is PrismaTransaction {
  return hasMethods(value, '$queryRawUnsafe')
}

/** https://www.prisma.io/docs/orm/reference/error-reference */
const TRANSACTION_FAILED = 'P2028'

interface PrismaError {
  code?: unknown
  meta?: { driverAdapterError?: { cause?: { originalCode?: unknown; originalMessage?: unknown } } }
}

/** Of a failed raw query, the error that the driver adapter had from the server. */
function serverError(error: unknown): unknown {
  const { code, meta } = Object(error) as PrismaError
  // The lines before show the place of the call.
  const text = errorText(error).split('\n').at(-1)
  if (code === TRANSACTION_FAILED) return overError('Prisma', new Error(text))
  const { originalCode, originalMessage } = meta?.driverAdapterError?.cause ?? {}
  if (originalCode !== undefined) return Object.assign(new Error(errorText(originalMessage)), { code: originalCode })
  // Its code would pass for one of the server's.
  return new Error(text)
}
