#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Debian's janus and its RabbitMQ transport, over mutual TLS with the drop-in library preloaded. It reads requests in
# one thread and publishes responses in another, on one connection. Each request must have its response, and nothing
# may cross the wire but TLS records: a relay keeps all that does.
#
#   JANUS_REQUESTS   how many requests a round has (default: 2000)
#   JANUS_ROUNDS     how many rounds there are with the drop-in library, each with a janus of its own (default: 1)
#
# scripts/test-janus installs janus and runs this with more. Where janus is missing it is skipped, in continuous
# integration too: janus brings many packages.

set -u

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$root/tests/support/tap.sh"
. "$root/tests/support/unmodified_client.sh"

requests=${JANUS_REQUESTS:-2000}
rounds=${JANUS_ROUNDS:-1}
requester=$build/tests/support/janus_requester
# Of a response, without what AMQP and TLS add.
fewest_bytes=40

find_transport() {
  dpkg -L janus 2>/dev/null | grep '/libjanus_rabbitmq\.so$'
}

transport=$(find_transport) || skip_all 'the Debian package janus is not installed (scripts/test-janus does that)'
begin_unmodified_clients janus
details=$work/janus.out

# ---- Janus -----------------------------------------------------------------------------------------------------------

# It gets this transport only, and so listens nowhere.
write_configuration() {
  mkdir -p "$work/configuration" "$work/transports" "$work/nothing"
  ln -sf "$transport" "$work/transports/"
  cat >"$work/configuration/janus.jcfg" <<END
general: {
  configs_folder = "$work/configuration"
  plugins_folder = "$work/nothing"
  transports_folder = "$work/transports"
  events_folder = "$work/nothing"
  loggers_folder = "$work/nothing"
}
END
  cat >"$work/configuration/janus.transport.rabbitmq.jcfg" <<END
general: {
  enabled = true
  json = "compact"
  host = "localhost"
  port = $relay_port
  username = "$RABBITMQ_USER"
  password = "$RABBITMQ_PASSWORD"
  to_janus = "to-janus"
  from_janus = "from-janus"
  ssl_enabled = true
  ssl_verify_peer = true
  ssl_verify_hostname = true
  ssl_cacert = "$RABBITMQ_CERTIFICATES/ca.pem"
  ssl_cert = "$RABBITMQ_CERTIFICATES/client.pem"
  ssl_key = "$RABBITMQ_CERTIFICATES/client.key"
}
admin: {
  admin_enabled = false
}
END
}

# start_janus LAUNCHER [VARIABLE=VALUE...]
start_janus() {
  start janus "$@" janus --config="$work/configuration/janus.jcfg" --configs-folder="$work/configuration" \
    --disable-colors >"$work/janus.out" 2>"$work/janus.err"
  wait_until janus_is_decided
}

# Either it has ended, or it takes requests from now on.
janus_is_decided() {
  ! kill -0 "$(cat "$work/janus.pid")" 2>/dev/null || janus_is_ready
}

janus_is_ready() {
  grep -q 'Setup of RabbitMQ integration completed' "$work/janus.out"
}

# One signal, and to janus itself. timeout would send it two, one as its child and one as a member of its group; janus
# writes to its log in the handler, and a second signal while it does so stops it for ever.
end_janus() {
  kill "$(cat "$work/janus.pid")" 2>/dev/null
  await_end janus
}

does_not_connect() {
  grep -q "Can't connect to RabbitMQ server: error opening socket" "$work/janus.out" && ! janus_is_ready
}

gives_up() {
  if janus_is_ready; then
    end_janus
    return 1
  fi
  ! await_end janus
}

answers_all() {
  requester_status=0
  timeout "$background_limit" "$requester" "$RABBITMQ_PLAIN_PORT" "$RABBITMQ_USER" "$RABBITMQ_PASSWORD" "$requests" \
    >"$work/requester.out" 2>&1 || requester_status=$?
  cut -c 1-500 "$work/requester.out" | sed 's/^/# /'
  [ "$requester_status" -eq 0 ] && grep -qx "RESPONSES $requests" "$work/requester.out"
}

has_two_threads() {
  cat "/proc/$(cat "$work/janus.pid")"/task/*/comm >"$work/threads"
  grep -qx rmq_in_thread "$work/threads" && grep -qx rmq_out_thread "$work/threads"
}

broker_sees_mutual_tls() {
  "$broker" ctl "$work/broker" --quiet list_connections user ssl ssl_protocol ssl_cipher peer_cert_subject \
    >"$work/connections" 2>&1
  sed 's/^/# /' "$work/connections"
  grep "^$RABBITMQ_USER.true.tlsv1\.3" "$work/connections" | grep -q 'gcm.*CN=client1'
}

queues_are_empty() {
  "$broker" ctl "$work/broker" --quiet list_queues name messages >"$work/queues" 2>&1
  [ "$(grep -cE '^(to|from)-janus[[:blank:]]+0$' "$work/queues")" -eq 2 ]
}

no_failure_is_reported() {
  ! grep -qE '\[(ERR|FATAL)\]' "$work/janus.out" &&
    ! grep librabbitmq-wolfssl "$work/janus.err" | grep -qv 'librabbitmq-wolfssl: connected to '
}

# ---- What crossed the wire -------------------------------------------------------------------------------------------

# only_tls_records FILE: as they are in TLS 1.3 (RFC 8446, 5.1 and D.4), hellos, perhaps the message that changes no
# cipher, and from there on application data alone.
only_tls_records() {
  records_status=0
  perl -0777 -ne '
    my %letters = (20 => "c", 21 => "a", 22 => "h", 23 => "d");
    my ($at, $types) = (0, "");
    while ($at < length) {
      my ($type, $version, $size) = unpack("Cnn", substr($_, $at, 5));
      my $known = defined($size) && $letters{$type} && ($version == 0x303 || ($at == 0 && $version == 0x301));
      if (!$known || $size == 0 || $size > 16640 || $at + 5 + $size > length) {
        print "no TLS record at byte $at of ", length, "\n";
        exit 1;
      }
      $types .= $letters{$type};
      $at += 5 + $size;
    }
    print length($types), " TLS records, ", length, " bytes\n";
    exit($types =~ /^h(c?h)?c?d+$/ ? 0 : 1);' "$1" >"$work/records" 2>&1 || records_status=$?
  sed "s|^|# ${1##*/}: |" "$work/records"
  return "$records_status"
}

is_in_clear() {
  grep -aqE 'janus|transaction|AMQP' "$1"
}

# recorded DIRECTION: sets $recording, all that the last connection carried that way, once it is over
recorded() {
  recording=$work/recordings/$(connections_so_far)-$1
  wait_until grep -qx "RECORDED ${recording##*/}" "$work/relay.out"
}

sent_only_tls() {
  recorded to-server && only_tls_records "$recording" && ! is_in_clear "$recording" &&
    [ "$(wc -c <"$recording")" -gt $((requests * fewest_bytes)) ]
}

received_only_tls() {
  recorded to-client && only_tls_records "$recording" && ! is_in_clear "$recording"
}

# The same checks with the end of a recording as it must not be.
frame_in_clear_is_noticed() {
  recorded to-server && cp "$recording" "$work/spoiled" && printf '\001\000\001\000\000\000\004' >>"$work/spoiled" &&
    ! only_tls_records "$work/spoiled"
}

response_in_clear_is_noticed() {
  response='{"janus":"pong","transaction":"request-0"}'
  recorded to-server && { head -c -"${#response}" "$recording" && printf '%s' "$response"; } >"$work/spoiled" &&
    is_in_clear "$work/spoiled"
}

# ---- Cases -----------------------------------------------------------------------------------------------------------

stop relay
mkdir "$work/recordings"
start_relay "$work/recordings" 2>"$work/start" || give_up 'the relay starts' "$work/start"
write_configuration

start_janus "$with_openssl_disabled"
holds 'where OpenSSL is disabled janus does not connect by itself' does_not_connect
holds 'and gives up' gives_up

start_janus "$with_openssl"
holds "with OpenSSL as it is janus answers all $requests requests" answers_all
holds 'and the relay recognises the offer of OpenSSL' offer_came_from openssl
holds 'and libwolfssl is not mapped' eval '! maps_hold_wolfssl "$(cat "$work/janus.pid")"'
holds 'and janus ends in order' end_janus

round=0
while [ "$round" -lt "$rounds" ]; do
  round=$((round + 1))
  prefix="round $round of $rounds:"
  start_janus "$with_wolfssl" AMQP_WOLFSSL_DEBUG=1
  holds "$prefix with the drop-in library janus answers all $requests requests" answers_all
  holds "$prefix with an offer of wolfSSL" offer_came_from wolfssl
  holds "$prefix libwolfssl and the drop-in library are mapped" maps_hold_wolfssl "$(cat "$work/janus.pid")"
  holds "$prefix one thread reads and another publishes" has_two_threads
  holds "$prefix the broker sees TLS 1.3, AES-GCM and the client's certificate" broker_sees_mutual_tls
  holds "$prefix no request and no response is left in a queue" queues_are_empty
  holds "$prefix janus ends in order" end_janus
  holds "$prefix neither janus nor the library reports a failure" no_failure_is_reported
  holds "$prefix only TLS records have left it" sent_only_tls
  holds "$prefix only TLS records have come to it" received_only_tls
done

holds 'a frame in clear behind the records would be noticed' frame_in_clear_is_noticed
holds 'a response in clear in place of a record would be noticed' response_in_clear_is_noticed
tap_finish
