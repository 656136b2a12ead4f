import { burst } from './works/burst.js'
import { ceiling } from './works/ceiling.js'
import { kill } from './works/kill.js'
import { rate } from './works/rate.js'
import { steady } from './works/steady.js'
import { waiting } from './works/waiting.js'
import type { Work } from './works/work.js'

/** In the order of the report. */
export const WORKS: readonly Work[] = [rate, steady, burst, ceiling, waiting, kill]
