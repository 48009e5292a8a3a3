#!/bin/sh
# SPDX-License-Identifier: MIT
#
# scripts/broker, started twice in one folder: what the first broker stored is there in the second, which besides has
# lines of configuration and a plugin that the first one lacks. And the broker of a test program that is killed while
# its source tree goes away, as scripts/test does it when it is ended: it stops.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"

if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_missing_peer 'a broker that is started again' rabbitmq-server
  tap_finish
fi
if ! command -v amqp-publish >/dev/null; then
  tap_missing_peer 'a broker that is started again' amqp-tools
  tap_finish
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/broker-script.XXXXXX") || exit 99
clean_up() {
  "$BROKER" stop "$work/broker" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# tool NAME OPTION...: without TLS, as the user of this start
tool() {
  name=$1
  shift
  # shellcheck source=/dev/null
  (. "$work/broker/env" && exec timeout 30 "$name" \
    --url="amqp://$RABBITMQ_USER:$RABBITMQ_PASSWORD@127.0.0.1:$RABBITMQ_PLAIN_PORT/%2f" "$@")
}

message_is_there() {
  [ "$(tool amqp-get --queue=kept)" = 'a message that stays' ]
}

# within SECONDS COMMAND...: the command passes, at the latest after this time
within() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# The program has two: one may be starting still.
a_broker_is_up() {
  ls "$work"/tmp/*/broker-*/env >/dev/null 2>&1
}

no_broker_is_left() {
  ! grep -qzF "PRIVATE_BROKER_FOLDER=$work/tmp/" /proc/[0-9]*/environ 2>/dev/null && [ -z "$(ls "$work/tmp")" ]
}

# setting VALUE EXPRESSION: what the broker says of itself
setting() {
  found=$("$BROKER" ctl "$work/broker" eval "$2") && echo "$found" && [ "$found" = "$1" ]
}

heartbeat='element(2, application:get_env(rabbit, heartbeat))'
depth='proplists:get_value(depth, element(2, application:get_env(rabbit, ssl_options)))'
mechanisms='element(2, application:get_env(rabbit, auth_mechanisms))'
plugin='lists:member(rabbitmq_event_exchange, rabbit_plugins:active())'

# The second key is one that the script has too, and the third a list of three there.
write_configuration() {
  printf 'heartbeat = 17\n # a comment\n\nssl_options.depth=5\nauth_mechanisms.1 = PLAIN\n' >"$work/more.conf"
}

# refused PATTERN OPTION...: no broker is started with it, and the message says why
refused() {
  pattern=$1
  shift
  ! "$BROKER" start "$work/refused" "$@" >"$work/said" 2>&1 && cat "$work/said" && grep -q "$pattern" "$work/said" &&
    [ ! -e "$work/refused/env" ] && ! grep -qzxF "PRIVATE_BROKER_FOLDER=$work/refused" /proc/[0-9]*/environ 2>/dev/null
}

# What the program itself needs is read from the copy; its folder is the one in which to look for the broker.
killed_without_its_tree() {
  mkdir -p "$work/tree/scripts" "$work/tree/tests" "$work/tmp" &&
    cp "$abs_top_srcdir/scripts/broker" "$work/tree/scripts/" &&
    cp -R "$abs_top_srcdir/tests/support" "$work/tree/tests/" || return 1
  abs_top_srcdir=$work/tree TMPDIR=$work/tmp "$abs_top_builddir/tests/integration/broker_test" &
  program=$!
  within 120 a_broker_is_up
  rm -rf "$work/tree"
  kill -KILL "$program" || return 1
  wait "$program"
  within 60 no_broker_is_left
}

tap_check 'a broker starts in a new folder' "$BROKER" start "$work/broker" || tap_finish
tap_check 'a durable queue is declared' tool amqp-declare-queue --durable --queue=kept
tap_check 'a persistent message is published' tool amqp-publish --persistent --routing-key=kept \
  --body='a message that stays'
tap_check 'it has no heartbeat of 17 seconds, and not the plugin' setting '{60,false}' \
  "{$heartbeat,$plugin}."
tap_check 'the broker is stopped' "$BROKER" stop "$work/broker"
write_configuration
tap_check 'another one starts in the same folder, with lines of configuration and a plugin' "$BROKER" start \
  "$work/broker" --configuration "$work/more.conf" --plugins rabbitmq_event_exchange || tap_finish
tap_check 'queue and message are there' message_is_there
tap_check 'a new key, one that the script has too, a list in place of its own, the plugin: in force' setting \
  "{17,5,['PLAIN'],true}" \
  "{$heartbeat,$depth,$mechanisms,$plugin}."
tap_check 'a file of configuration that is not there is refused' refused "can't read .*none.conf" \
  --configuration "$work/none.conf"
tap_check 'so is what is no list of plugins' refused 'takes names with commas' --plugins 'a b'
tap_check 'an option without its value is refused' refused 'needs a value' --configuration
echo 'ssl_verify = verify_peer' >"$work/more.conf"
tap_check "a line that RabbitMQ doesn't know keeps it from starting, and it is named" refused ssl_verify \
  --configuration "$work/more.conf" --certificates "$work/broker/certificates"
tap_check 'the broker of a killed test program stops, though the source tree is gone' killed_without_its_tree
tap_finish
