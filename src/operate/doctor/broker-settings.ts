import { finding, type Finding } from '../../base/finding.js'

const SHOW =
  "rabbitmqctl eval '[application:get_env(rabbit, K) || K <- [dead_letter_worker_publisher_confirm_timeout, dead_letter_worker_consumer_prefetch, quorum_wal_max_entries]].'"

/** No client can read these. */
export function checkBrokerSettings(): Finding[] {
  const what =
    'three settings cannot be read by a client: dead_letter_worker_publisher_confirm_timeout (recommended 5000), dead_letter_worker_consumer_prefetch (512), quorum_wal_max_entries (100000)'
  const todo = `${SHOW} shows them; what dueque doctor --print-config prints, as /etc/rabbitmq/advanced.config, sets them`
  return [finding('note', 'settings-unseen', what, todo)]
}
