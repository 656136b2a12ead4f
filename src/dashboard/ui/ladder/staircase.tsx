import type { LadderView } from '../../api.js'
import { Text } from '../parts/text.js'
import { countText, numberText } from '../text/numbers.js'
import type { Step } from './steps.js'

/** Bricks on a step; the table below has all rungs. */
const BRICKS = 4

/** The rungs as a staircase that a message climbs, with the number of messages on each. */
export function Staircase({ steps, outlets }: { steps: readonly Step[]; outlets: LadderView['outlets'] }) {
  const due = outlets.reduce((sum, { messages }) => sum + messages, 0)
  return (
    <div class="staircase-box" role="region" aria-label="The ladder as a staircase" tabIndex={0}>
      <ol class="staircase">
        {steps.map((step, i) => (
          <li key={step.unit} class={`step step-${i}${step.messages > 0 ? ' used' : ''}`}>
            <Bricks step={step} />
            <div class="riser">
              <strong>{numberText(step.messages)}</strong>
              <span>{step.title}</span>
            </div>
          </li>
        ))}
        <li class="step step-6 top">
          <ul class="bricks">
            {outlets.slice(0, BRICKS).map(({ target, messages }) => (
              <li key={target} class="brick">
                <Text text={target} /> <b>{numberText(messages)}</b>
              </li>
            ))}
          </ul>
          <div class="riser">
            <strong>{numberText(due)}</strong>
            <span>due: on the way to the target</span>
          </div>
        </li>
      </ol>
    </div>
  )
}

function Bricks({ step: { rungs } }: { step: Step }) {
  const most = rungs.toSorted((a, b) => b.messages - a.messages).slice(0, BRICKS)
  const shown = most.sort((a, b) => a.ttlMs - b.ttlMs)
  return (
    <ul class="bricks">
      {shown.map(({ rung, messages, backedUp }) => (
        <li key={rung} class={backedUp ? 'brick bad' : 'brick'}>
          <Text text={rung} /> <b>{numberText(messages)}</b>
        </li>
      ))}
      {rungs.length > BRICKS && <li class="more">{countText(rungs.length - BRICKS, 'more rung')}</li>}
    </ul>
  )
}
