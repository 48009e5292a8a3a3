#!/bin/sh
# SPDX-License-Identifier: MIT
#
# scripts/broker, started twice in one folder: what the first broker stored is there in the second. And the broker of a
# test program that is killed while its source tree goes away, as scripts/test does it when it is ended: it stops.

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
tap_check 'the broker is stopped' "$BROKER" stop "$work/broker"
tap_check 'another one starts in the same folder' "$BROKER" start "$work/broker" || tap_finish
tap_check 'queue and message are there' message_is_there
tap_check 'the broker of a killed test program stops, though the source tree is gone' killed_without_its_tree
tap_finish
