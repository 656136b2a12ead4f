import { shown } from '../../base/errors.js'
import { CommandError } from '../exit.js'

export function noSuchSchedule(id: string): CommandError {
  const where = 'Look with dueque recurring list, in this namespace and store'
  return new CommandError('NOT_FOUND', `there is no recurring message with the id ${shown(id)}. ${where}`)
}
