#!/bin/sh
# SPDX-License-Identifier: MIT
#
# syslog-ng with its amqp destination, as Debian builds both, over mutual TLS with the drop-in library preloaded: lines
# of a log file arrive in a queue, wolfSSL carries them, and a wrong CA is explained. It logs in by its certificate
# (EXTERNAL), so the broker's own record says whose it was.

set -u

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$root/tests/support/tap.sh"
. "$root/tests/support/unmodified_client.sh"

if command -v syslog-ng >/dev/null && ! syslog-ng --module-registry 2>&1 | grep -q '^Module: afamqp'; then
  skip_all 'missing peer: the amqp module of syslog-ng'
fi
begin_unmodified_clients syslog-ng amqp-consume amqp-get
ca=$RABBITMQ_CERTIFICATES/ca.pem
# Lines are fetched by an independent client that has nothing to do with TLS.
plain_url=amqp://$RABBITMQ_USER:$RABBITMQ_PASSWORD@127.0.0.1:$RABBITMQ_PLAIN_PORT/%2f
line_count=20

details=$work/syslog-ng.err

# syslog-ng declares an exchange, but binds no queue to it. From a file: on Erlang/OTP 27 and later rabbitmqctl hangs or
# crashes when it reads its standard input.
bind_queue() {
  cat >"$work/definitions.json" <<'END'
{
  "exchanges": [
    { "name": "log", "vhost": "/", "type": "direct", "durable": false, "auto_delete": false, "arguments": {} }
  ],
  "queues": [ { "name": "lines", "vhost": "/", "durable": false, "auto_delete": false, "arguments": {} } ],
  "bindings": [
    { "source": "log", "vhost": "/", "destination": "lines", "destination_type": "queue", "routing_key": "line",
      "arguments": {} }
  ]
}
END
  "$broker" ctl "$work/broker" --quiet import_definitions "$work/definitions.json" >"$work/definitions.out" 2>&1
}

# write_configuration CA
write_configuration() {
  cat >"$work/syslog-ng.conf" <<END
@version: 3.38
options { stats-freq(0); time-reopen(1); };
source lines { file("$work/lines" flags(no-parse) follow-freq(0.1)); };
destination broker {
  amqp(
    host("localhost") port($relay_port) vhost("/") exchange("log") exchange-type("direct") exchange-declare(yes)
    routing-key("line") body("\$MESSAGE\\n") auth-method("external")
    tls(
      ca-file("$1") cert-file("$RABBITMQ_CERTIFICATES/client.pem") key-file("$RABBITMQ_CERTIFICATES/client.key")
      peer-verify(yes)
    )
  );
};
log { source(lines); destination(broker); };
END
}

# start_syslog_ng LAUNCHER CA [VARIABLE=VALUE...]: with no memory of an earlier start, so that it reads the lines again
start_syslog_ng() {
  launched_by=$1
  write_configuration "$2"
  shift 2
  rm -f "$work/persist"
  start syslog-ng "$launched_by" "$@" syslog-ng --foreground --stderr --no-caps --cfgfile="$work/syslog-ng.conf" \
    --persist-file="$work/persist" --control="$work/control" --pidfile="$work/syslog-ng.pidfile" \
    >"$work/syslog-ng.out" 2>"$work/syslog-ng.err"
}

# Lines of the file, then nothing more: the queue is left empty.
lines_arrive() {
  timeout "$limit" amqp-consume --url="$plain_url" --queue=lines --count="$line_count" cat >"$work/arrived"
  cmp "$work/lines" "$work/arrived" && no_line_is_there
}

no_line_is_there() {
  empty_status=0
  timeout "$limit" amqp-get --url="$plain_url" --queue=lines >"$work/arrived" || empty_status=$?
  [ "$empty_status" -eq 2 ]
}

# It allows an attempt one second, so that on a busy machine one can fail for no other reason; hence two.
gives_up_twice() {
  [ "$(grep -c 'Error connecting to AMQP server' "$work/syslog-ng.err")" -ge 2 ]
}

explained() {
  grep -q '^librabbitmq-wolfssl: .*does not lead to a trusted CA: what the broker sent leads to' "$work/syslog-ng.err"
}

said_to_be_connected() {
  sed 's/^/# /' "$work/debug.log"
  grep -q 'librabbitmq-wolfssl: connected to localhost port [0-9]* .*, verified) by TLSv1.* on wolfSSL [0-9]' \
    "$work/debug.log" && ! grep -q librabbitmq-wolfssl "$work/syslog-ng.err"
}

broker_sees() {
  "$broker" ctl "$work/broker" --quiet list_connections user auth_mechanism ssl ssl_protocol ssl_cipher \
    >"$work/connections" 2>&1
  sed 's/^/# /' "$work/connections"
  grep "^$RABBITMQ_EXTERNAL_USER.EXTERNAL.true.tlsv1" "$work/connections" | grep -q gcm
}

if ! bind_queue; then
  give_up 'the queue is bound' "$work/definitions.out"
fi
seq -f 'line %g' "$line_count" >"$work/lines"

start_syslog_ng "$with_openssl_disabled" "$ca"
wait_until gives_up_twice
holds 'where OpenSSL is disabled syslog-ng does not connect by itself' gives_up_twice
holds 'and no line arrives' no_line_is_there
stop syslog-ng

start_syslog_ng "$with_openssl" "$ca"
holds 'with OpenSSL as it is all lines arrive in their order' lines_arrive
holds 'and the relay recognises the offer of OpenSSL' offer_came_from openssl
holds 'and libwolfssl is not mapped' eval '! maps_hold_wolfssl "$(cat "$work/syslog-ng.pid")"'
stop syslog-ng

# A daemon's standard error leads nowhere, as a rule.
start_syslog_ng "$with_wolfssl" "$ca" "AMQP_WOLFSSL_DEBUG=file:$work/debug.log"
holds 'with the drop-in library all lines arrive in their order' lines_arrive
holds 'with an offer of wolfSSL' offer_came_from wolfssl
holds 'libwolfssl and the drop-in library are mapped meanwhile' maps_hold_wolfssl "$(cat "$work/syslog-ng.pid")"
holds 'and a line in the file that AMQP_WOLFSSL_DEBUG names says so' said_to_be_connected
holds "the broker sees TLS, AES-GCM and the user of the client's certificate" broker_sees
stop syslog-ng

start_syslog_ng "$with_wolfssl" "$RABBITMQ_CERTIFICATES/other-ca.pem" AMQP_WOLFSSL_DEBUG=1
wait_until explained
holds 'with a wrong CA AMQP_WOLFSSL_DEBUG=1 tells why it does not connect' explained
wait_until gives_up_twice
holds 'and syslog-ng says that it does not' gives_up_twice
holds 'and no line arrives' no_line_is_there
grep -m 1 '^librabbitmq-wolfssl' "$work/syslog-ng.err" | sed 's/^/# /'
stop syslog-ng

start_syslog_ng "$with_wolfssl" "$RABBITMQ_CERTIFICATES/other-ca.pem"
wait_until gives_up_twice
holds 'without it only syslog-ng speaks' eval 'gives_up_twice && ! grep -q librabbitmq-wolfssl "$work/syslog-ng.err"'
stop syslog-ng
tap_finish
