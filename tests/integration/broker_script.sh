#!/bin/sh
# SPDX-License-Identifier: MIT
#
# scripts/broker, started twice in one folder: what the first broker stored is there in the second.

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

tap_check 'a broker starts in a new folder' "$BROKER" start "$work/broker" || tap_finish
tap_check 'a durable queue is declared' tool amqp-declare-queue --durable --queue=kept
tap_check 'a persistent message is published' tool amqp-publish --persistent --routing-key=kept \
  --body='a message that stays'
tap_check 'the broker is stopped' "$BROKER" stop "$work/broker"
tap_check 'another one starts in the same folder' "$BROKER" start "$work/broker" || tap_finish
tap_check 'queue and message are there' message_is_there
tap_finish
