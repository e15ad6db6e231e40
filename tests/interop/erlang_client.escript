#!/usr/bin/env escript
%% erlang_client: a gateway on Erlang/OTP's diameter application, one session from I to T.
%%
%% usage: erlang_client.escript DIA_FILE PORT IMSI GRANT
%% Compiles the dictionary in memory, connects to Levy on 127.0.0.1:PORT, and for IMSI:
%%   CCR-I asking for GRANT octets in rating group 1, CCR-U that has used them and asks again,
%%   the same CCR-U once more with the T flag, CCR-T that has used one octet.
%% Every answer must decode without an error, repeat what it answers, and grant GRANT octets (the
%% repeated one what the first granted). Exit code 0 when all held; each step prints one line.
-module(erlang_client).
-mode(compile).
-export([main/1]).
-export([peer_up/3, peer_down/3, pick_peer/5, prepare_request/4, prepare_retransmit/4,
         handle_answer/5, handle_error/5, handle_request/3]).

-record(diameter_packet, {header, avps, msg, bin, errors = [], transport_data}).
-record(diameter_header, {version, length, cmd_code, application_id, hop_by_hop_id, end_to_end_id,
                          is_request, is_proxiable, is_error, is_retransmitted}).
-record(diameter_caps, {origin_host, origin_realm, host_ip_address, vendor_id, product_name,
                        origin_state_id, supported_vendor_id, auth_application_id,
                        inband_security_id, acct_application_id, vendor_specific_application_id,
                        firmware_revision, avp}).

-define(SERVICE, gateway).
-define(ALIAS, credit_control).
-define(OPEN_TIMEOUT_MS, 10000).
-define(ANSWER_TIMEOUT_MS, 5000).

main([Dia, Port, Imsi, Grant]) ->
    compile_dictionary(Dia),
    connect(list_to_integer(Port)),
    session(list_to_binary(Imsi), list_to_integer(Grant)),
    ok = diameter:stop_service(?SERVICE),
    io:format("erlang: all as expected~n");
main(_) ->
    fail("usage: erlang_client.escript DIA_FILE PORT IMSI GRANT", []).

compile_dictionary(File) ->
    case diameter_make:codec(File, [forms, return]) of
        {ok, [Forms | _]} ->
            {ok, Module, Binary} = compile:forms(Forms),
            {module, Module} = code:load_binary(Module, File, Binary);
        Error ->
            fail("dictionary ~s: ~p", [File, Error])
    end.

connect(Port) ->
    ok = diameter:start(),
    true = diameter:subscribe(?SERVICE),
    ok = diameter:start_service(?SERVICE,
        [{'Origin-Host', "erlang.test"}, {'Origin-Realm', "test"}, {'Vendor-Id', 0},
         {'Product-Name', "OTP gateway"}, {'Auth-Application-Id', [4]},
         {'Supported-Vendor-Id', [10415]}, {'Origin-State-Id', erlang:system_time(second)},
         {decode_format, map}, {string_decode, false}, {strict_mbit, true},
         {application, [{alias, ?ALIAS}, {dictionary, credit_control}, {module, ?MODULE},
                        {answer_errors, callback}]}]),
    {ok, _} = diameter:add_transport(?SERVICE, {connect,
        [{transport_module, diameter_tcp},
         {transport_config, [{raddr, {127, 0, 0, 1}}, {rport, Port}, {ip, {127, 0, 0, 1}}]},
         {connect_timer, 1000}]}),
    wait_open().

wait_open() ->
    receive
        {diameter_event, ?SERVICE, Info} when element(1, Info) == up ->
            io:format("erlang: connection open~n");
        {diameter_event, ?SERVICE, Info} when element(1, Info) == closed ->
            fail("connection refused: ~p", [Info]);
        {diameter_event, ?SERVICE, _} ->
            wait_open()
    after ?OPEN_TIMEOUT_MS ->
        fail("no open connection", [])
    end.

session(Imsi, Grant) ->
    Id = diameter:session_id("erlang.test"),
    Group = #{'Rating-Group' => 1},
    Units = #{'CC-Total-Octets' => Grant},
    Ask = Group#{'Requested-Service-Unit' => Units},
    Initial = ask(ccr(Id, Imsi, 1, 0, [Ask]), false),
    expect_grant(initial, Initial, Grant),
    Used = Ask#{'Used-Service-Unit' => [Units]},
    Update = ccr(Id, Imsi, 2, 1, [Used]),
    First = ask(Update, false),
    expect_grant(update, First, Grant),
    Again = ask(Update, true),
    expect_grant(repeated, Again, Grant),
    same('the answer to the repeated update', services(Again), services(First)),
    Last = ask(ccr(Id, Imsi, 3, 2, [Group#{'Used-Service-Unit' => [#{'CC-Total-Octets' => 1}]}]),
               false),
    [Mscc] = services(Last),
    same('MSCC Result-Code of the termination', maps:get('Result-Code', Mscc, [none]), [2001]),
    same('grant of the termination', maps:get('Granted-Service-Unit', Mscc, []), []),
    io:format("erlang: termination 2001~n").

ccr(Id, Imsi, Type, Number, Services) ->
    Message = #{'Session-Id' => Id, 'Auth-Application-Id' => 4,
                'Service-Context-Id' => "32251@3gpp.org", 'CC-Request-Type' => Type,
                'CC-Request-Number' => Number, 'Destination-Realm' => "test",
                'Multiple-Services-Indicator' => 1,
                'Event-Timestamp' => calendar:universal_time(),
                'Subscription-Id' => [#{'Subscription-Id-Type' => 1,
                                        'Subscription-Id-Data' => Imsi}],
                'Multiple-Services-Credit-Control' => Services},
    case Type of
        3 -> Message#{'Termination-Cause' => 1};
        _ -> Message
    end.

%% Sends a request; returns the answer's map, which repeats the request's keys and says 2001.
ask(Request, Repeated) ->
    case diameter:call(?SERVICE, ?ALIAS, ['CCR' | Request],
                       [{timeout, ?ANSWER_TIMEOUT_MS}, {extra, [Repeated]}]) of
        {answer, #diameter_packet{errors = [], msg = ['CCA' | Answer]}} ->
            same('command Result-Code', maps:get('Result-Code', Answer), 2001),
            [same(Key, plain(maps:get(Key, Answer)), plain(maps:get(Key, Request)))
             || Key <- ['Session-Id', 'CC-Request-Type', 'CC-Request-Number',
                        'Auth-Application-Id']],
            Answer;
        {answer, #diameter_packet{errors = Errors, msg = Message}} ->
            fail("the answer breaks the dictionary: ~p~n~p", [Errors, Message]);
        Other ->
            fail("no answer: ~p", [Other])
    end.

services(Answer) -> maps:get('Multiple-Services-Credit-Control', Answer, []).

expect_grant(Step, Answer, Grant) ->
    [Mscc] = services(Answer),
    same('Rating-Group', maps:get('Rating-Group', Mscc, [none]), [1]),
    same('MSCC Result-Code', maps:get('Result-Code', Mscc, [none]), [2001]),
    [Units] = maps:get('Granted-Service-Unit', Mscc, [#{}]),
    same('CC-Total-Octets', maps:get('CC-Total-Octets', Units, [none]), [Grant]),
    io:format("erlang: ~p 2001, ~b octets granted~n", [Step, Grant]).

plain(Value) when is_list(Value) -> iolist_to_binary(Value);
plain(Value) -> Value.

same(_, Value, Value) -> ok;
same(What, Seen, Wanted) -> fail("~p: expected ~p, got ~p", [What, Wanted, Seen]).

-spec fail(string(), list()) -> no_return().
fail(Format, Arguments) ->
    io:format(standard_error, "erlang: " ++ Format ++ "~n", Arguments),
    halt(1).

%% Callbacks of the diameter application.
peer_up(_Service, _Peer, State) -> State.
peer_down(_Service, _Peer, State) -> State.
pick_peer([Peer | _], _Remote, _Service, _State, _Repeated) -> {ok, Peer}.

%% The last argument is what ask/2 gave as extra: whether the T flag is to be set.
prepare_request(Packet, _Service, {_Reference, Caps}, Repeated) ->
    #diameter_packet{header = Header} = Packet,
    Flagged = Header#diameter_header{is_retransmitted = Repeated},
    {send, add_origin(Packet#diameter_packet{header = Flagged}, Caps)}.
prepare_retransmit(Packet, _Service, _Peer, _Repeated) -> {send, Packet}.

handle_answer(Packet, _Request, _Service, _Peer, _Repeated) -> {answer, Packet}.
handle_error(Reason, _Request, _Service, _Peer, _Repeated) -> {error, Reason}.

handle_request(#diameter_packet{msg = ['RAR' | #{'Session-Id' := Id}], errors = []}, _Service,
               {_Reference, Caps}) ->
    {reply, ['RAA' | with_origin(#{'Session-Id' => Id, 'Result-Code' => 2001}, Caps)]};
handle_request(_Packet, _Service, _Peer) ->
    {protocol_error, 3001}.

add_origin(#diameter_packet{msg = [Name | Message]} = Packet, Caps) ->
    Packet#diameter_packet{msg = [Name | with_origin(Message, Caps)]}.

with_origin(Message, Caps) ->
    {Host, _} = Caps#diameter_caps.origin_host,
    {Realm, _} = Caps#diameter_caps.origin_realm,
    Message#{'Origin-Host' => Host, 'Origin-Realm' => Realm}.
