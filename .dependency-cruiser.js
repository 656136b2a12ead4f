// The house: which room may know which. CONTRIBUTING.md, "The house", has the purpose of each.
const only = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}` },
  to: { path: '^src/', pathNot: to.map((place) => `^src/${place}`) },
})
const never = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: `^src/(${from})` },
  to: { path: `^src/(${to})` },
})
/** A package that may be missing, and the folder that is loaded with it. */
const peer = (folder, name) => ({
  name: `only-${folder}-knows-${name}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}/` },
  to: { path: `node_modules/${name}/` },
})

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    only('base-knows-nothing', 'base/', ['base/']),
    only('message-knows-base', 'message/', ['message/', 'base/']),
    never(
      'amqp-knows-no-strategy',
      'amqp/',
      'log/|cancellation/|journal/|strategies/|consumer/|forwarding/|operate/|testing/|schedule/|(connect|options|session)\\.ts',
    ),
    only('log-knows-amqp', 'log/', ['log/', 'amqp/', 'base/', 'message/']),
    never(
      'cancellation-knows-no-strategy',
      'cancellation/',
      'journal/|strategies/|consumer/|forwarding/|operate/|testing/|schedule/|(connect|options|session)\\.ts',
    ),
    never(
      'journal-knows-no-strategy',
      'journal/',
      // But for the interface of its answers.
      'strategies/(?!(?:waiting-view|destination-counts)\\.ts)|consumer/|forwarding/|operate/|testing/|schedule/|(connect|options|session)\\.ts',
    ),
    never(
      'strategies-know-no-consumer',
      'strategies/',
      'consumer/|forwarding/|operate/|testing/|schedule/|(connect|options|session)\\.ts',
    ),
    never('recurring-knows-no-consumer', 'recurring/', 'consumer/|forwarding/|operate/|testing/|connect\\.ts'),
    never('forwarding-knows-no-consumer', 'forwarding/', 'consumer/|operate/|testing/'),
    // But for the loop that both run.
    never('consumer-knows-no-program', 'consumer/', 'forwarding/(?!forward\\.ts)|operate/|testing/'),
    never('operate-knows-no-face', 'operate/|dashboard/|telemetry/', 'cli/'),
    never(
      'telemetry-knows-interfaces-alone',
      'telemetry/',
      'amqp/|log/|cancellation/|journal/|strategies/|forwarding/|operate/|testing/|(connect|session)\\.ts',
    ),
    peer('telemetry/otel', '@opentelemetry'),
    peer('telemetry/prometheus', 'prom-client'),
    peer('nestjs', '@nestjs'),
    never('nothing-knows-nestjs', '(?!nestjs/)', 'nestjs/'),
    never('nestjs-knows-the-core', 'nestjs/', 'operate/|dashboard/|telemetry/|testing/|cli/'),
    {
      name: 'nothing-knows-the-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'the-cli-alone-knows-the-dashboard',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|dashboard)/' },
      to: { path: '^src/dashboard/' },
    },
    {
      // But for the types of what both sides say to each other, and functions that run anywhere.
      name: 'pages-know-no-server',
      severity: 'error',
      from: { path: '^src/dashboard/ui/' },
      to: { path: '^src/', pathNot: '^src/(dashboard/(ui/|api\\.ts)|base/(backoff|duration-text)\\.ts)' },
    },
    never('the-server-knows-no-page', 'dashboard/(?!ui/)', 'dashboard/ui/'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
}
