import type { PrivateNode } from '../../scripts/broker/private-node.js'

/** What RabbitMQ says of a queue of the virtual host `/`: `crashed` is one of the states in which it is away. */
export async function setQueueState(node: PrivateNode, queue: string, state: 'crashed' | 'live'): Promise<void> {
  await node.ctl(
    'eval',
    `Name = ${nameOf(queue)}, Set = fun (Q) -> amqqueue:set_state(Q, ${state}) end,
      case code:is_loaded(rabbit_db_queue) of
        false -> rabbit_misc:execute_mnesia_transaction(fun () -> rabbit_amqqueue:update(Name, Set) end);
        _ -> rabbit_db_queue:update(Name, Set)
      end.`,
  )
}

/** For so long RabbitMQ 3.10 has not recovered a queue, as after its start. */
export async function hideQueue(node: PrivateNode, queue: string, ms: number): Promise<void> {
  await node.ctl(
    'eval',
    `Name = ${nameOf(queue)}, [Queue] = mnesia:dirty_read(rabbit_queue, Name), ok = mnesia:dirty_delete(rabbit_queue, Name),
      timer:sleep(${ms}), ok = mnesia:dirty_write(rabbit_queue, Queue).`,
  )
}

/**
 * Loses streams of the virtual host `/`, as RabbitMQ does if it is killed right after it has declared its first ones: they are
 * still declared, and unknown to the coordinator of the streams.
 */
export async function loseStreams(node: PrivateNode, streams: readonly string[]): Promise<void> {
  const lose = streams.map(
    (stream) => `{ok, ok, _} = ra:process_command({rabbit_stream_coordinator, node()}, {delete_stream,
      maps:get(name, amqqueue:get_type_state(element(2, rabbit_amqqueue:lookup(${nameOf(stream)})))), #{}})`,
  )
  // A node that was killed has no counts of before.
  const uncount = streams.map((stream) => `rabbit_core_metrics:queue_deleted(${nameOf(stream)})`)
  await node.ctl('eval', `${[...lose, ...uncount].join(',\n')}.`)
}

function nameOf(queue: string): string {
  return `rabbit_misc:r(<<"/">>, queue, <<"${queue}">>)`
}
