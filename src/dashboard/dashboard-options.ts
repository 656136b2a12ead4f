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
  /**
   * Names and addresses by which the dashboard is reached, beside `localhost` and 127.0.0.1. A request whose header `Host` has
   * another one is refused, so that no other site can lead its own name to this address and read the answers (DNS rebinding).
   * @default any name is answered to
   */
  hosts?: readonly string[] | undefined
}

/** For the command line. */
export interface InnerOptions extends DashboardOptions {
  /** Checks the store in which messages wait. */
  checkStore?: (() => Promise<readonly Finding[]>) | undefined
}

/** Of a header `Host`: a name or an address, perhaps with its port. */
const HOST = /^[\w.:[\]-]+$/

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

const hosts: Rule = (value, option) =>
  texts(value, option) === undefined && (value as string[]).every((one) => HOST.test(one))
    ? undefined
    : 'a list of names such as ops.example.com, without a scheme'

const RULES: Rules<DashboardOptions> = { access, management, metrics: urls, probe: flag, hosts }

/** @throws DuequeError `INVALID_OPTION` */
export function checkDashboard(options: DashboardOptions): void {
  checkOptions(options, RULES)
}
