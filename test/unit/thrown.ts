import { isDuequeError, type DuequeError } from '../../src/base/errors.js'

/** The DuequeError that `work` throws. Other errors are rethrown; no error is an error. */
export function thrown(work: () => unknown): DuequeError {
  try {
    work()
  } catch (error) {
    if (isDuequeError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The DuequeError with which `work` rejects, as {@link thrown}. */
export async function rejection(work: Promise<unknown>): Promise<DuequeError> {
  try {
    await work
  } catch (error) {
    if (isDuequeError(error)) return error
    throw error
  }
  throw new Error('it did not reject')
}
