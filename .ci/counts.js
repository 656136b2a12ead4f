// A reporter of vitest: writes to the file COUNTS what was skipped, what failed outside of its tests, what passed at the
// second try only and what nobody handled, and as its last line "PASSED FAILED". A run that ended with an error although
// no test failed, or had no tests, is a failure.
import { writeFileSync } from 'node:fs'
import { env } from 'node:process'

export default class Counts {
  onTestRunEnd(modules, unhandled) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const inState = (state) => tests.filter((test) => test.result().state === state)
    const [passed, failed, skipped] = [inState('passed'), inState('failed'), inState('skipped')]
    const broken = modules.filter((module) => !module.ok() && !failed.some((test) => test.module === module))
    const flaky = passed.filter((test) => test.diagnostic().flaky)
    const outside = [
      ...broken.map((module) => `${module.relativeModuleId}: ${errorsOf(module).map(firstLine).join('; ')}`),
      ...unhandled.map((error) => `nobody handled: ${error.stack ?? error.message}`),
      ...(passed.length === 0 ? ['no test ran'] : []),
    ]
    const lines = [
      `${skipped.length} skipped`,
      ...skipped.map((test) => `  ${test.fullName}`),
      ...(flaky.length > 0 ? [`${flaky.length} passed at the second try only`] : []),
      ...flaky.map((test) => `  ${test.fullName}: ${test.result().errors?.map(firstLine)[0]}`),
      ...failed.map((test) => `FAILED: ${test.fullName}: ${test.result().errors?.map(firstLine).at(-1)}`),
      ...outside.map((what) => `FAILED outside of the tests: ${what}`),
      `${passed.length} ${failed.length + outside.length}`,
    ]
    writeFileSync(env.COUNTS, `${lines.join('\n')}\n`)
  }
}

/** Of a file, and of the suites in it. */
function errorsOf(module) {
  return [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())]
}

function firstLine({ message }) {
  return String(message).split('\n')[0]
}
