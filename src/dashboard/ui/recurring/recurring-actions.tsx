import { useState } from 'preact/hooks'
import type { RecurringChange, RecurringDetails } from '../../api.js'
import { postJson } from '../data/request.js'
import { useAction, type Action } from '../data/use-action.js'
import { announce } from '../parts/announcer.js'
import { ButtonGroup } from '../parts/button-group.js'
import { Dialog } from '../parts/dialog.js'
import { Problem } from '../parts/problem.js'
import { Text } from '../parts/text.js'

type Deed = RecurringChange['action']

const DONE: Readonly<Record<Deed, string>> = {
  pause: 'Paused',
  resume: 'Resumed',
  trigger: 'A message is on its way',
  remove: 'Removed',
}

/** Pause and resume at once; trigger and remove after a question. */
export function RecurringActions({ schedule, onChanged }: { schedule: RecurringDetails; onChanged: () => void }) {
  const action = useAction()
  const [asked, setAsked] = useState<'trigger' | 'remove'>()
  const [said, setSaid] = useState('')
  const change = (deed: Deed) =>
    action.run(async () => {
      const { changed } = await postJson<{ changed: boolean }>('recurring/change', { id: schedule.id, action: deed })
      const text = changed ? DONE[deed] : 'Nothing to change'
      announce(text)
      setSaid(text)
      setAsked(undefined)
      onChanged()
    })
  const pausing = schedule.paused ? 'resume' : 'pause'
  return (
    <ButtonGroup label="This schedule" isShown={false}>
      <button type="button" disabled={action.busy} onClick={() => change(pausing)}>
        {schedule.paused ? 'Resume' : 'Pause'}
      </button>
      <button type="button" onClick={() => setAsked('trigger')}>
        Trigger …
      </button>
      <button type="button" onClick={() => setAsked('remove')}>
        Remove …
      </button>
      <span class="note">{said}</span>
      {!asked && <Problem failure={action.failure} />}
      {asked && (
        <Question
          {...{ asked, action, id: schedule.id }}
          onDeed={() => change(asked)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </ButtonGroup>
  )
}

const EFFECTS = {
  trigger: 'One message is sent at once, beside those of the calendar.',
  remove: 'It sends no more messages. Those that wait already are cancelled.',
}

interface QuestionProps {
  asked: 'trigger' | 'remove'
  id: string
  action: Action
  onDeed: () => void
  onClose: () => void
}

function Question({ asked, id, action, onDeed, onClose }: QuestionProps) {
  return (
    <Dialog
      title={asked === 'trigger' ? 'Send a message now?' : 'Remove this schedule?'}
      deed={asked === 'trigger' ? 'Send now' : 'Remove'}
      dangerous={asked === 'remove'}
      {...{ action, onDeed, onClose }}
    >
      <p>
        <Text text={id} />
      </p>
      <p>{EFFECTS[asked]}</p>
    </Dialog>
  )
}
