// count.js REPORT STATUS: reads a JSON report of vitest, names what was skipped, what failed to load and what passed at
// the second try only, and prints as its last line "PASSED FAILED". A run that ended with an error although no test
// failed, or had no tests, is a failure.
import { log } from 'node:console'
import { readFileSync } from 'node:fs'
import { argv } from 'node:process'

const [file, status] = argv.slice(2)
const report = JSON.parse(readFileSync(file, 'utf8'))
const suites = report.testResults

const broken = suites.filter((suite) => suite.status === 'failed' && !suite.assertionResults.some(hasFailed))
for (const suite of broken) log(`FAILED outside of its tests: ${suite.name}: ${suite.message}`)

const skipped = suites.flatMap((suite) => suite.assertionResults).filter(isSkipped)
log(`${skipped.length} skipped`)
for (const test of skipped) log(`  ${test.fullName}`)

const flaky = suites.flatMap((suite) => suite.assertionResults).filter(neededAnotherTry)
if (flaky.length > 0) log(`${flaky.length} passed at the second try only`)
for (const test of flaky) log(`  ${test.fullName}: ${test.failureMessages[0].split('\n')[0]}`)

const passed = report.numPassedTests
let failed = report.numFailedTests + broken.length
if (failed === 0 && (status !== '0' || passed === 0)) {
  log(passed === 0 ? 'FAILED: no test ran' : `FAILED: vitest ended with ${status} although no test failed`)
  failed = 1
}
log(`${passed} ${failed}`)

function hasFailed(test) {
  return test.status === 'failed'
}

function neededAnotherTry(test) {
  return test.status === 'passed' && test.failureMessages.length > 0
}

function isSkipped(test) {
  return ['skipped', 'pending', 'todo', 'disabled'].includes(test.status)
}
