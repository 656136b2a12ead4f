import { isOlder, parseVersion, type Version } from '../../base/version.js'
import type { Facts, ManagementFacts } from './facts.js'
import { finding, type Finding } from '../../base/finding.js'

/** The product, its version and its features. */
export function checkProduct({ server, management }: Facts): Finding[] {
  return [checkVersion(server), ...checkParts(management)]
}

export function checkVersion({ product, version }: Facts['server']): Finding {
  if (product !== 'RabbitMQ') {
    return finding(
      'error',
      'not-rabbitmq',
      `this is ${product} ${version}, with which dueque is not tested (LavinMQ expires in steps of 100 ms, and may be early)`,
      'use RabbitMQ 3.10.2 or later',
    )
  }
  const [major, minor, patch] = versionOf(version)
  const is = `RabbitMQ ${version}`
  if (isOlder([major, minor, patch], [3, 10, 2])) {
    return finding('error', 'version-too-old', `${is} is too old`, 'use RabbitMQ 3.10.2 or later')
  }
  if ((major === 3 && minor === 10 && patch < 20) || (major === 3 && minor === 11 && patch < 12)) {
    const what = `${is} can lose waiting messages when it is killed`
    return finding(
      'warning',
      'version-loses',
      what,
      `use a current release; at least 3.${minor === 10 ? '10.20' : '11.12'}`,
    )
  }
  return finding('ok', 'version', is)
}

function checkParts({ overview, flags }: ManagementFacts): Finding[] {
  return [
    ...(overview ? [finding('ok', 'erlang', `Erlang ${overview.erlang}`), plugin(overview.exchangeTypes)] : []),
    ...(flags ? checkFlags(flags) : []),
  ]
}

function plugin(exchangeTypes: readonly string[]): Finding {
  const there = exchangeTypes.includes('x-delayed-message')
  return there
    ? finding('note', 'delayed-plugin', 'the delayed-message plugin is enabled; dueque does not need it')
    : finding('ok', 'delayed-plugin', 'no delayed-message plugin; dueque does not need it')
}

/** At-least-once dead-lettering needs both: https://www.rabbitmq.com/docs/quorum-queues#dead-lettering */
const NEEDED = ['quorum_queue', 'stream_queue']

function checkFlags(flags: NonNullable<ManagementFacts['flags']>): Finding[] {
  const disabled = flags.filter(({ enabled }) => !enabled)
  const findings = disabled
    .filter(({ name }) => NEEDED.includes(name))
    .map(({ name }) =>
      finding(
        'error',
        'flag-needed',
        `the feature flag ${name} is disabled: quorum queues do not dead-letter at least once, and lose messages`,
        `rabbitmqctl enable_feature_flag ${name}`,
      ),
    )
  const stable = disabled.filter(({ name, stability }) => stability === 'stable' && !NEEDED.includes(name))
  if (stable.length > 0) {
    const names = stable.map(({ name }) => name).join(', ')
    const what = `stable feature flags are disabled: ${names}`
    findings.push(
      finding('note', 'flags-disabled', what, 'rabbitmqctl enable_feature_flag all, before the next upgrade'),
    )
  }
  const streams = flags.some(({ name, enabled }) => name === 'stream_queue' && enabled)
  if (streams) findings.push(finding('ok', 'streams', 'streams are possible, and at-least-once dead-lettering'))
  return findings
}

/** A text without a version counts as too old. */
export function versionOf(text: string): Version {
  return parseVersion(text) ?? [0, 0, 0]
}
