%% For the nodes of tests that stand alone, evaluated when the node has started (file:eval/1).
%%
%% A worker of at-least-once dead-lettering whose queue was deleted as it was declared fails at each start, and takes its supervisor
%% with it: on RabbitMQ 3.10 at once, on 4.3.6 when it has waited five minutes for an answer of its queue. Without the supervisor
%% no vhost can declare or consume until the node is restarted (docs/operations/deleted-and-changed.md), which would fail the tests
%% of all other files too. So workers are not started again. In a cluster they have to be: there they fail for other reasons, too.
spawn(fun() ->
  Find = fun Find() ->
    case whereis(rabbit_fifo_dlx_sup) of
      undefined -> timer:sleep(50), Find();
      Found -> Found
    end
  end,
  Supervisor = Find(),
  %% Element 4 of the state of a supervisor: its children; element 5 of a child: when it is started again.
  sys:replace_state(Supervisor, fun(State) ->
    {Ids, Children} = element(4, State),
    setelement(4, State, {Ids, maps:map(fun(_, Child) -> setelement(5, Child, temporary) end, Children)})
  end)
end).
