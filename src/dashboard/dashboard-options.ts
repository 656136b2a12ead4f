import { checkOptions, flag, texts, type Rule, type Rules } from '../base/checks.js'
import type { Finding } from '../base/finding.js'
import { isHttpUrl } from '../operate/http.js'
import { permissionsOf, type Access, type AccessOf } from './access.js'

export interface DashboardOptions {
  /**
   * What may be seen and done: the same for everybody, or for each request. A function that throws, or answers anything else, lets
   * nobody in. @default 'read'
   */
  access?: Access | AccessOf | undefined
  /**
   * The management API of RabbitMQ, for a cluster one URL for each node; `false`: none. It alone lists dead queues, and knows
   * rates. @default asked beside the broker, at port 15672
   */
  management?: string | readonly string[] | false | undefined
  /**
   * URLs of the exporters of `dueque/prometheus` in the consumers, such as http://localhost:9464/metrics, with user and password
   * if they need them. They tell the lateness of all messages. @default none
   */
  metrics?: readonly string[] | undefined
  /**
   * Without `metrics`: sends a message with a delay of 1 s every 5 s to a queue of its own, while somebody looks, to measure its
   * lateness. @default true
   */
  probe?: boolean | undefined
}

/** For the command line. */
export interface InnerOptions extends DashboardOptions {
  /** Names of this server, beside those of its host: others are refused. @default any name is answered to */
  hosts?: readonly string[] | undefined
  /** Checks the store in which messages wait. */
  checkStore?: (() => Promise<readonly Finding[]>) | undefined
}

const urls: Rule = (value, option) =>
  texts(value, option) === undefined && (value as string[]).every(isHttpUrl)
    ? undefined
    : 'a list of URLs such as http://localhost:9464/metrics'

const management: Rule = (value) => {
  const all = value === false ? [] : [value].flat()
  return all.every((one) => typeof one === 'string' && isHttpUrl(one))
    ? undefined
    : 'a URL such as http://localhost:15672, or several, or false'
}

const access: Rule = (value) => {
  if (typeof value !== 'function') permissionsOf(value)
  return undefined
}

const RULES: Rules<DashboardOptions> = { access, management, metrics: urls, probe: flag }

/** @throws DuequeError `INVALID_OPTION` */
export function checkDashboard(options: DashboardOptions): void {
  checkOptions(options, RULES)
}
