import { management } from './broker.js'
import { randomUUID } from 'node:crypto'

/** Regular expressions, as `rabbitmqctl set_permissions` takes them. */
export interface Permissions {
  configure: string
  write: string
  read: string
}

/** A user with exactly these permissions in the vhost of `url`, and its URL. */
export async function userWith({ url, name: vhost }: { url: string; name: string }, permissions: Permissions) {
  const name = `user-${randomUUID().slice(0, 8)}`
  await management(`/users/${name}`, { method: 'PUT', body: { password: 'geheim', tags: '' } })
  await management(`/permissions/${vhost}/${name}`, { method: 'PUT', body: permissions })
  const own = new URL(url)
  own.username = name
  own.password = 'geheim'
  return own.href
}

/** The patterns of docs/operations/permissions.md, for the namespace `dueque` and the queues that a regular expression finds. */
export const PATTERNS = {
  producer: { configure: '^$', write: String.raw`^dueque\.v1\.(entry\..+|deliver)$`, read: '^$' },
  cancellingProducer: {
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|cancellations)$`,
    read: '^$',
  },
  /** Sets, changes and removes recurring messages. */
  recurringProducer: {
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|cancellations|recurring)$`,
    read: String.raw`^dueque\.v1\.recurring$`,
  },
  /** With a journal. */
  journallingProducer: { configure: '^$', write: String.raw`^dueque\.v1\.(entry\..+|deliver|journal)$`, read: '^$' },
  /** With a journal, cancels, reschedules and lists. */
  operatingProducer: {
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|cancellations|journal)$`,
    read: String.raw`^dueque\.v1\.(cancellations|journal)\..+$`,
  },
  /** Lists waiting messages, and schedules nothing. */
  lister: { configure: '^$', write: '^$', read: String.raw`^dueque\.v1\.(cancellations|journal)\..+$` },
  /** Cancels, and schedules nothing. */
  canceller: { configure: '^$', write: String.raw`^dueque\.v1\.cancellations$`, read: '^$' },
  consumer: (queues: string): Permissions => ({
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|dead|parked)$`,
    read: String.raw`^(dueque\.v1\.(unroutable|cancellations\..+)|${queues})$`,
  }),
  /** Sends recurring messages too. */
  recurringConsumer: (queues: string): Permissions => ({
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|dead|parked|recurring)$`,
    read: String.raw`^(dueque\.v1\.(unroutable|cancellations\..+|recurring|ticks)|${queues})$`,
  }),
  /** With a journal, in which its retries are. */
  journallingConsumer: (queues: string): Permissions => ({
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|dead|parked|journal)$`,
    read: String.raw`^(dueque\.v1\.(unroutable|cancellations\..+)|${queues})$`,
  }),
  /** With `cancellations: 'off'`. */
  heedlessConsumer: (queues: string): Permissions => ({
    configure: '^$',
    write: String.raw`^dueque\.v1\.(entry\..+|deliver|dead|parked)$`,
    read: String.raw`^(dueque\.v1\.unroutable|${queues})$`,
  }),
  operator: (destinations: string): Permissions => {
    const all = String.raw`^(dueque\.v1\..+|(${destinations})(\.dead)?)$`
    return { configure: all, write: all, read: all }
  },
} as const
