#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples/resilient_publisher and resilient_consumer against a cluster of three RabbitMQ nodes, which are killed and
# started again while messages go through; connections are replaced all the time, and the client's certificate once.
# By the message ids, no confirmed message may be lost. The means to see that are tried first, and last: on logs with a
# defect, on a message that somebody takes away, and on a publisher that forgets.
#
#   FAILOVER_MESSAGES  at least as many (default: 5000)
#   FAILOVER_RATE      messages a second (default: 250)
#   FAILOVER_EVENTS    what happens meanwhile, in this order (default: "publisher consumer")
#                        publisher, consumer: the node that it is connected to is killed, and started again
#                        1, 2, 3: that node
#                        pair: two at once, so that nothing can be confirmed until they are back
#                        hang: the publisher's node stops and says nothing; then it is killed, and started again
#                        alarm: all nodes are short of memory for a while, and block publishers
#   FAILOVER_NAIVE     yes: also a publisher that counts a message as confirmed when it is sent, which must be noticed
#   FAILOVER_RESULT    a file for the counts
#
# scripts/test-failover runs this with more.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"

root=$abs_top_srcdir
build=$abs_top_builddir
least=${FAILOVER_MESSAGES:-5000}
rate=${FAILOVER_RATE:-250}
events=${FAILOVER_EVENTS:-publisher consumer}
check=$root/tests/support/check-deliveries
# Seconds: for one thing to come about. The whole has TEST_TIMEOUT.
limit=120
work=$(mktemp -d "${TMPDIR:-/tmp}/failover.XXXXXX") || exit 99
cluster=$work/cluster

clean_up() {
  # By their files: a case runs in a shell of its own, and leaves no variables.
  for file in "$work"/*.pid; do
    [ ! -s "$file" ] || [ -s "${file%.pid}.status" ] || kill -KILL "$(cat "$file")" 2>/dev/null
  done
  for number in 1 2 3; do
    if [ -e "$cluster/$number/env" ]; then
      kill -CONT "$(node_pid "$number")" 2>/dev/null
      "$BROKER" kill "$cluster/$number" >/dev/null 2>&1
    fi
  done
  for number in 3 2 1; do
    [ ! -d "$cluster/$number" ] || "$BROKER" stop "$cluster/$number" >/dev/null 2>&1
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# wait_until CONDITION...: fails after the limit
wait_until() {
  deadline=$(($(date +%s) + limit))
  until "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# ---- The checker: it notices what it is there for --------------------------------------------------------------------

# notices TEXT CONFIRMED DELIVERED: words are lines
notices() {
  text=$1
  # Words on purpose.
  # shellcheck disable=SC2086
  printf '%s\n' $2 >"$work/confirmed" && printf '%s\n' "$3" | tr ' ,' '\n ' >"$work/delivered"
  ! "$check" "$work/confirmed" "$work/delivered" >"$work/verdict" && cat "$work/verdict" &&
    grep -qxF "$text" "$work/verdict"
}

accepts() {
  printf 'a\nb\nc\n' >"$work/confirmed" && printf 'new c\nnew a\nnew b\nagain a\nnew d\n' >"$work/delivered"
  "$check" --least 3 "$work/confirmed" "$work/delivered" >"$work/verdict" || return
  cat "$work/verdict"
  grep -qxF '3 confirmed, 4 delivered, 1 of them never confirmed, 1 duplicates dropped, 0 lost' "$work/verdict"
}

notices_too_few() {
  accepts && ! "$check" --least 4 "$work/confirmed" "$work/delivered" >"$work/verdict" && cat "$work/verdict" &&
    grep -qxF 'only 3 of 4 were confirmed' "$work/verdict"
}

notices_nothing() {
  : >"$work/confirmed" && : >"$work/delivered" && ! "$check" "$work/confirmed" "$work/delivered"
}

tap_check 'the checker accepts logs without a defect' accepts
tap_check 'the checker notices a message that never came' notices 'lost: b' 'a b c' 'new,a new,c'
tap_check 'the checker notices the same where others came twice' notices 'lost: b' 'a b c' 'new,a again,a new,c'
tap_check 'the checker notices an id that was cut off' notices 'lost: id-12' 'id-1 id-12' 'new,id-1 new,id-1x'
tap_check 'the checker notices what was dropped without being dealt with' notices \
  'dropped before it was dealt with: b' 'a b' 'new,a again,b'
tap_check 'the checker notices what was dealt with twice' notices 'dealt with twice: a' 'a b' 'new,a new,b new,a'
tap_check 'the checker notices what was confirmed twice' notices 'confirmed twice: a' 'a b a' 'new,a new,b'
tap_check 'the checker notices a line that is no delivery' notices 'no delivery: a' 'a' 'new,a a'
tap_check 'the checker wants as many as it is told' notices_too_few
tap_check 'the checker wants something to check' notices_nothing

# ---- The command line ------------------------------------------------------------------------------------------------

# refuses TEXT OPTION...
refuses() {
  text=$1
  shift
  status=0
  "$build/examples/resilient_publisher" --ca none.pem "$@" >"$work/out" 2>&1 || status=$?
  cat "$work/out"
  [ "$status" -eq 2 ] && grep -qF -e "$text" "$work/out"
}
many=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q
refuses_hosts() {
  refuses '"" is not HOST or HOST:PORT' --hosts '' && refuses '"" is not HOST' --hosts 'a,,b' &&
    refuses '":1" is not HOST' --hosts 'a,:1' && refuses '"[::1" is not HOST' --hosts '[::1' &&
    refuses '"[::1]1" is not HOST' --hosts '[::1]1' && refuses '"x" is not a number' --hosts a:x &&
    refuses '"0" is not a number' --hosts a:0 && refuses '"65536" is not a number' --hosts a:65536 &&
    refuses '"::1" is not HOST' --hosts ::1 && refuses 'more than 16 hosts' --hosts "$many"
}
tap_check 'a list of hosts that is none is refused' refuses_hosts
tap_check 'so is a window of no messages' refuses 'is not a number from 1' --window 0

# ---- The cluster -----------------------------------------------------------------------------------------------------

if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_missing_peer 'a cluster of three nodes' rabbitmq-server
  tap_finish
fi
if ! command -v amqp-get >/dev/null; then
  tap_missing_peer 'a cluster of three nodes' amqp-tools
  tap_finish
fi

start_cluster() {
  "$root/tests/support/take-certificates" "${CERTIFICATE_POOL:-$work/pool}" "$work/certificates" &&
    "$BROKER" start "$cluster/1" --name one --certificates "$work/certificates" || return
  "$BROKER" start "$cluster/2" --name two --join "$cluster/1" &
  second=$!
  "$BROKER" start "$cluster/3" --name three --join "$cluster/1" || return
  wait "$second" || return
  "$BROKER" ctl "$cluster/1" --quiet cluster_status >"$work/cluster-status" || return
  for name in one two three; do
    grep -q "$name@localhost" "$work/cluster-status" || return
  done
}

# node_value NUMBER VARIABLE
node_value() {
  # shellcheck source=/dev/null
  (. "$cluster/$1/env" && eval "printf '%s' \"\$$2\"")
}
node_pid() {
  node_value "$1" RABBITMQ_PID
}
kill_node() {
  "$BROKER" kill "$cluster/$1"
}
restart_node() {
  "$BROKER" restart "$cluster/$1"
}

tap_check 'three nodes form a cluster' start_cluster || tap_finish
certificates=$work/certificates
hosts=localhost:$(node_value 1 RABBITMQ_TLS_PORT),localhost:$(node_value 2 RABBITMQ_TLS_PORT)
hosts=$hosts,localhost:$(node_value 3 RABBITMQ_TLS_PORT)
plain_url=amqp://$(node_value 1 RABBITMQ_USER):$(node_value 1 RABBITMQ_PASSWORD)@127.0.0.1
plain_url=$plain_url:$(node_value 1 RABBITMQ_PLAIN_PORT)/%2f

# The identity that is replaced in the middle: as two files, and in a folder as Kubernetes mounts a Secret.
mkdir "$work/identity" "$work/secret"
cp "$certificates/client.pem" "$certificates/client.key" "$work/identity/"
# fill_secret VERSION: with what the two files hold; whoever reads it sees the old or the new
fill_secret() {
  mkdir "$work/secret/..$1" && cp "$work/identity/client.pem" "$work/secret/..$1/tls.crt" &&
    cp "$work/identity/client.key" "$work/secret/..$1/tls.key" &&
    cp "$certificates/ca.pem" "$work/secret/..$1/ca.crt" &&
    ln -s "..$1" "$work/secret/..data_tmp" && mv -T "$work/secret/..data_tmp" "$work/secret/..data"
}
for name in tls.crt tls.key ca.crt; do
  ln -s "..data/$name" "$work/secret/$name"
done
fill_secret first

# ---- The programs ----------------------------------------------------------------------------------------------------

# run_example NAME PROGRAM OPTION...: in the background, as $work/NAME.{pid,out,err,status}
run_example() {
  name=$1
  program=$2
  shift 2
  rm -f "$work/$name.status"
  {
    "$program" --hosts "$hosts" --ca "$certificates/ca.pem" --certificate "$work/identity/client.pem" \
      --key "$work/identity/client.key" --longest-wait 2 --heartbeat 5 --confirm-limit 10 --drain-limit 60 "$@" \
      >"$work/$name.out" 2>>"$work/$name.err" &
    echo $! >"$work/$name.pid"
    status=0
    wait $! || status=$?
    echo "$status" >"$work/$name.status"
  } &
  wait_until test -s "$work/$name.pid"
}
has_ended() {
  [ -s "$work/$1.status" ]
}
# ends_with STATUS NAME: at the latest after the limit
ends_with() {
  wait_until has_ended "$2" || return
  echo "$2 ended with $(cat "$work/$2.status"):"
  tail -n 5 "$work/$2.err" "$work/$2.out"
  [ "$(cat "$work/$2.status")" -eq "$1" ]
}
# end_example NAME: by SIGTERM, in order
end_example() {
  kill "$(cat "$work/$1.pid")" && ends_with 0 "$1"
}

# lines_of FILE [PATTERN]
lines_of() {
  if [ -e "$work/$1" ]; then grep -c -e "${2:-}" "$work/$1" || :; else echo 0; fi
}
# has_more FILE COUNT [PATTERN]: more lines than that
has_more() {
  [ "$(lines_of "$1" "${3:-}")" -gt "$2" ]
}
all_is_delivered() {
  [ "$("$BROKER" ctl "$cluster/1" --silent list_queues messages name | grep -c "^0[[:blank:]]$1\$")" -eq 1 ]
}

# node_of NAME: the node that the example is, or was last, connected to
node_of() {
  port=$(sed -n 's/.*localhost:\([0-9]*\): connected: .*/\1/p' "$work/$1.err" | tail -n 1)
  for number in 1 2 3; do
    if [ "$(node_value "$number" RABBITMQ_TLS_PORT)" = "$port" ]; then echo "$number"; fi
  done
}

# Confirms and deliveries.
goes_on() {
  confirmed=$(lines_of publisher.log)
  delivered=$(lines_of consumer.log '^new')
  wait_until has_more publisher.log $((confirmed + 100)) && wait_until has_more consumer.log $((delivered + 100)) '^new'
}

# ---- What happens meanwhile ------------------------------------------------------------------------------------------

# killed NODE: the rest goes on without it, and with it
killed() {
  echo "node $1"
  kill_node "$1" && goes_on && restart_node "$1" && goes_on
}

killed_in_a_pair() {
  first=$(node_of publisher)
  second=$((first % 3 + 1))
  echo "nodes $first and $second"
  kill_node "$first" && kill_node "$second" || return
  failures=$(lines_of publisher.err)
  wait_until has_more publisher.err $((failures + 5)) || return
  confirmed=$(lines_of publisher.log)
  wait_until has_more publisher.err $((failures + 10)) && [ "$(lines_of publisher.log)" -eq "$confirmed" ] || return
  restart_node "$first" &
  first_job=$!
  restart_node "$second" && wait "$first_job" && goes_on
}

# Only heartbeats, or the lack of confirms, can tell.
hangs() {
  number=$(node_of publisher)
  losses=$(lines_of publisher.err 'heartbeat timeout\|no confirm for\|TIMED_OUT')
  kill -STOP "$(node_pid "$number")" || return
  wait_until has_more publisher.err "$losses" 'heartbeat timeout\|no confirm for\|TIMED_OUT' && goes_on || return
  kill -CONT "$(node_pid "$number")"
  kill_node "$number" && restart_node "$number" && goes_on
}

runs_out_of_memory() {
  number=$(node_of consumer)
  blocked=$(lines_of publisher.err 'the broker takes no messages')
  "$BROKER" ctl "$cluster/$number" set_vm_memory_high_watermark 0.000001 &&
    wait_until has_more publisher.err "$blocked" 'the broker takes no messages' || return
  "$BROKER" ctl "$cluster/$number" set_vm_memory_high_watermark 0.6 && goes_on
}

take_event() {
  case $1 in
    publisher | consumer) killed "$(node_of "$1")" ;;
    [123]) killed "$1" ;;
    pair) killed_in_a_pair ;;
    hang) hangs ;;
    alarm) runs_out_of_memory ;;
    *) echo "there is no event \"$1\"" && return 1 ;;
  esac || {
    tail -n 15 "$work/publisher.err" "$work/consumer.err"
    return 1
  }
}

# Same subject, another key; it ends sooner, so that it can be told from the first.
mint_another() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/identity/next.key" \
    -subj '/O=Acme/CN=client1' -out "$work/next.csr" &&
    printf '%s\n' 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
      'extendedKeyUsage = clientAuth' 'authorityKeyIdentifier = keyid:always' >"$work/next.extensions" &&
    openssl x509 -req -in "$work/next.csr" -CA "$certificates/ca.pem" -CAkey "$certificates/ca.key" \
      -set_serial 0x4711 -days 3 -sha256 -extfile "$work/next.extensions" -out "$work/identity/next.pem"
}

# Of the files the certificate comes first, and for a while does not belong to the key. The folder changes at once.
replace_identity() {
  mv "$work/identity/next.pem" "$work/identity/client.pem" &&
    wait_until has_more publisher.err 0 'KEY_MISMATCH.*were read before stay in use' && goes_on &&
    mv "$work/identity/next.key" "$work/identity/client.key" && fill_secret second
}

# Both programs' connections, wherever they are, by the broker's own record.
new_certificate_is_in_use() {
  ends=$(openssl x509 -in "$work/identity/client.pem" -noout -enddate -dateopt iso_8601 |
    sed 's/notAfter=\([-0-9]*\) \([0-9:]*\)Z/\1T\2Z/')
  for number in 1 2 3; do
    "$BROKER" ctl "$cluster/$number" --silent list_connections ssl peer_cert_validity && break
  done >"$work/connections" 2>&1
  [ "$(grep -c "^true.*$ends" "$work/connections")" -ge 2 ]
}
identity_is_replaced() {
  mint_another && replace_identity && wait_until new_certificate_is_in_use && goes_on &&
    ! grep 'stay in use' "$work/consumer.err"
}

# ---- Under load ------------------------------------------------------------------------------------------------------

publisher=$build/examples/resilient_publisher
consumer=$build/examples/resilient_consumer
life=3

both_begin() {
  run_example publisher "$publisher" --log "$work/publisher.log" --rate "$rate" --maximum-life "$life" &&
    run_example consumer "$consumer" --log "$work/consumer.log" --maximum-life "$life" --secret "$work/secret" &&
    goes_on
}
enough_is_confirmed() {
  limit=${TEST_TIMEOUT:-300}
  wait_until has_more publisher.log "$((least - 1))"
}
publisher_ends_in_order() {
  end_example publisher && grep -q '^[0-9]* messages confirmed, 0 not;' "$work/publisher.out"
}
nothing_is_lost() {
  "$check" --least "$least" "$work/publisher.log" "$work/consumer.log" >"$work/result" 2>&1 || {
    cat "$work/result"
    return 1
  }
}
# Each program: several connections that had come of age, and no error but those that were made.
connections_are_replaced() {
  for name in publisher consumer; do
    has_more "$name.err" 2 'the connection is due' || return
  done
}
no_host_refused() {
  ! grep -h 'every host refuses\|out of memory\|never sent' "$work/publisher.err" "$work/consumer.err"
}

tap_check 'messages are published, confirmed and delivered' both_begin || tap_finish
for event in $events; do
  tap_check "it goes on through an event: $event" take_event "$event"
done
tap_check 'the certificate is replaced, and nobody noticed but the brokers' identity_is_replaced
tap_check "connections are replaced after $life seconds" connections_are_replaced
tap_check "$least messages are confirmed" enough_is_confirmed
tap_check 'SIGTERM ends the publisher when all is confirmed' publisher_ends_in_order
tap_check 'the queue runs empty' wait_until all_is_delivered resilient
tap_check 'SIGTERM ends the consumer' end_example consumer
tap_check 'no confirmed message is lost' nothing_is_lost
tap_check 'nothing went wrong that was not made to' no_host_refused
sed 's/^/# /' "$work/result" "$work/publisher.out" "$work/consumer.out"
[ -z "${FAILOVER_RESULT:-}" ] || cat "$work/result" "$work/publisher.out" "$work/consumer.out" >"$FAILOVER_RESULT"

# ---- A message that is lost is noticed -------------------------------------------------------------------------------

publishes_fifty() {
  run_example lender "$publisher" --queue lent --log "$work/lender.log" --count 50 && ends_with 0 lender &&
    [ "$(lines_of lender.log)" -eq 50 ]
}
consumes_the_rest() {
  run_example heir "$consumer" --queue lent --log "$work/heir.log" --count 49 && ends_with 0 heir
}
loss_is_noticed() {
  ! "$check" "$work/lender.log" "$work/heir.log" >"$work/verdict" && cat "$work/verdict" &&
    grep -q '^50 confirmed, 49 delivered, .* 1 lost$' "$work/verdict"
}
tap_check 'fifty messages are published, and --count ends it' publishes_fifty
tap_check 'somebody takes one of them away' timeout 60 amqp-get --url="$plain_url" --queue=lent
tap_check 'the consumer gets the others, and --count ends it' consumes_the_rest
tap_check 'the checker notices' loss_is_noticed

# ---- What the broker declines, or has no queue for, is not lost either -----------------------------------------------

# A queue that is full until somebody consumes.
declined_is_published_again() {
  "$BROKER" ctl "$cluster/1" set_policy small '^full$' '{"max-length": 10, "overflow": "reject-publish"}' \
    --apply-to queues &&
    run_example persistent "$publisher" --queue full --log "$work/persistent.log" --count 300 --rate 200 &&
    wait_until has_more persistent.err 0 'the broker declines messages' && ! has_ended persistent &&
    run_example reader "$consumer" --queue full --log "$work/reader.log" && ends_with 0 persistent &&
    wait_until all_is_delivered full &&
    end_example reader && "$check" --least 300 "$work/persistent.log" "$work/reader.log"
}
# RabbitMQ confirms what comes back. From the line on that says so, what is confirmed is in the new queue. A queue that
# is deleted while messages are on their way to it ends the channel instead (541), so it takes a quiet moment.
delete_in_a_quiet_moment() {
  wait_until has_more careful.log "$(lines_of careful.log)" &&
    amqp-delete-queue --url="$plain_url" --queue=gone >/dev/null &&
    wait_until has_more careful.log "$(lines_of careful.log)" &&
    has_more careful.err 0 'messages came back: there is no queue'
}
returned_is_published_again() {
  run_example careful "$publisher" --queue gone --log "$work/careful.log" --rate 5 || return
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    if delete_in_a_quiet_moment; then break; fi
    echo "nothing came back, attempt $attempt"
    [ "$attempt" -lt 10 ] || return
  done
  before=$(lines_of careful.log)
  wait_until has_more careful.log $((before + 5)) && end_example careful &&
    grep -q '^[0-9]* messages confirmed, 0 not;' "$work/careful.out" &&
    run_example finder "$consumer" --queue gone --log "$work/finder.log" && wait_until all_is_delivered gone &&
    end_example finder && tail -n +$((before + 1)) "$work/careful.log" >"$work/careful-after.log" &&
    "$check" --least 5 "$work/careful-after.log" "$work/finder.log"
}
tap_check 'what a full queue declines is published until it is taken' declined_is_published_again
tap_check 'a confirm of what came back does not count' returned_is_published_again

# The source with a few lines more: each message is logged as confirmed when it was handed over. Its node stands still
# meanwhile, and is then killed.
build_naive() {
  sed 's|^  return resilient_check_status(&publisher->connection, status, "publish");|  if (status == AMQP_STATUS_OK) {\
    *place_of(publisher, publisher->next - 1) = NULL;\
    confirmed(publisher, message);\
    skip_closed_tags(publisher);\
    (void)fflush(publisher->log);\
  }\
&|' "$root/examples/resilient_publisher.c" >"$work/naive.c" || return
  [ "$(diff "$root/examples/resilient_publisher.c" "$work/naive.c" | grep -c '^>')" -eq 6 ] || return
  # Words on purpose.
  # shellcheck disable=SC2086
  "$build/libtool" --silent --tag=CC --mode=link $HEADER_CC $HEADER_CPPFLAGS ${SANITIZER_FLAGS-} -D_GNU_SOURCE \
    -I"$root/include" -I"$root/examples" -o "$work/naive" "$work/naive.c" "$root/examples/resilient_connection.c" \
    "$root/examples/resilient_options.c" "$build/librabbitmq-wolfssl.la" -lrabbitmq
}
naive_goes_on() {
  written=$(lines_of forgetful.log)
  wait_until has_more forgetful.log $((written + 500))
}
naive_publishes_to_a_dying_node() {
  run_example forgetful "$work/naive" --queue naive --log "$work/forgetful.log" --rate 1000 && naive_goes_on || return
  number=$(node_of forgetful)
  kill -STOP "$(node_pid "$number")" && naive_goes_on || return
  kill_node "$number" && restart_node "$number" && end_example forgetful
}
loss_by_naive_is_noticed() {
  run_example witness "$consumer" --queue naive --log "$work/witness.log" && wait_until all_is_delivered naive &&
    end_example witness || return
  ! "$check" "$work/forgetful.log" "$work/witness.log" >"$work/verdict" && cat "$work/verdict" &&
    ! grep -q ' 0 lost$' "$work/verdict"
}
if [ "${FAILOVER_NAIVE:-no}" = yes ]; then
  tap_check 'a publisher is built that waits for no confirm' build_naive &&
    tap_check 'it publishes to a node that hangs and is killed' naive_publishes_to_a_dying_node &&
    tap_check 'the checker notices what it has lost' loss_by_naive_is_noticed
fi

# ---- What does not go away by itself ---------------------------------------------------------------------------------

# gives_up TEXT OPTION...: with status 3, and says why for each host
gives_up() {
  text=$1
  shift
  rm -f "$work/refused.err"
  run_example refused "$publisher" "$@" && ends_with 3 refused &&
    [ "$(grep -c -e "$text" "$work/refused.err")" -ge 3 ] &&
    tail -n 1 "$work/refused.err" | grep -q 'every host refuses, and trying again would not help: giving up$'
}
# Of a host that is down nobody can know, so the others' verdict is not enough.
goes_on_trying() {
  rm -f "$work/patient.err"
  run_example patient "$publisher" --hosts "$hosts,localhost:1" --ca "$certificates/other-ca.pem" --longest-wait 1 &&
    wait_until has_more patient.err 3 'localhost:1: connect: CONNECT_FAILED' &&
    wait_until has_more patient.err 9 'UNKNOWN_CA' && ! has_ended patient && end_example patient &&
    tail -n 1 "$work/patient.err" | grep -q 'SIGTERM: ending$'
}
unreadable_file_ends_it() {
  rm -f "$work/unready.err"
  run_example unready "$publisher" --ca "$work/none.pem" && ends_with 3 unready &&
    grep -q 'FILE_UNREADABLE: .*none\.pem' "$work/unready.err"
}
tap_check 'a CA that is not trusted: it gives up' gives_up UNKNOWN_CA --ca "$certificates/other-ca.pem"
tap_check 'a user that the brokers do not know: it gives up' gives_up 'login: the broker replied 403' \
  --certificate "$certificates/client-no-user.pem" --key "$certificates/client-no-user.key"
tap_check 'a certificate that has expired: it gives up' gives_up 'REJECTED_OUR_CERTIFICATE' \
  --certificate "$certificates/client-expired.pem" --key "$certificates/client-expired.key"
tap_check 'a queue of another kind is declared' amqp-declare-queue --url="$plain_url" --durable --queue=other
tap_check 'a queue that is another kind: it gives up' gives_up 'declare the queue: the broker replied 406' --queue other
tap_check 'while one host is down, it goes on trying' goes_on_trying
tap_check 'a file that is not there ends it at the start' unreadable_file_ends_it

tap_finish
