#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rabbitmq-c's own command line tools, as Debian builds them, over mutual TLS with the drop-in library preloaded: they
# do their work, wolfSSL carries it, and what goes wrong is explained. They look at no setter's result, so it is the
# library that must not let them connect without the identity they named.

set -u

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$root/tests/support/tap.sh"
. "$root/tests/support/unmodified_client.sh"

begin_unmodified_clients amqp-declare-queue amqp-publish amqp-get amqp-consume amqp-delete-queue

ca=$RABBITMQ_CERTIFICATES/ca.pem
certificate=$RABBITMQ_CERTIFICATES/client.pem
key=$RABBITMQ_CERTIFICATES/client.key
# --ssl alone means nothing to these tools: the scheme of the URL decides.
url=amqps://$RABBITMQ_USER:$RABBITMQ_PASSWORD@localhost:$relay_port/%2f

# tool_by LAUNCHER NAME OPTION...: with an identity that is in order
tool_by() {
  launched_by=$1
  program=$2
  shift 2
  run "$launched_by" AMQP_WOLFSSL_DEBUG=1 "$program" --url="$url" --ssl --cacert="$ca" --cert="$certificate" \
    --key="$key" "$@"
}

tool() {
  tool_by "$with_wolfssl" "$@"
}

# succeeded [CONDITION...]: the last tool did, and the condition holds
succeeded() {
  [ "$status" -eq 0 ] && { [ "$#" -eq 0 ] || "$@"; }
}

# failed_with STATUS PATTERN: the last tool did, and stderr has the pattern
failed_with() {
  [ "$status" -eq "$1" ] && grep -qe "$2" "$work/err"
}

# ---- Without the drop-in library: the checks below can fail ----------------------------------------------------------

tool_by "$with_openssl_disabled" amqp-declare-queue --queue=one
holds 'where OpenSSL is disabled no tool connects by itself' failed_with 1 'opening socket to localhost'
tool_by "$with_openssl" amqp-declare-queue --queue=one
holds 'with OpenSSL as it is amqp-declare-queue declares a queue' succeeded grep -qx one "$work/out"
holds 'and the relay recognises the offer of OpenSSL' offer_came_from openssl

# ---- Their work ------------------------------------------------------------------------------------------------------

tool amqp-declare-queue --queue=one
holds 'amqp-declare-queue declares a queue' succeeded grep -qx one "$work/out"
holds 'with an offer of wolfSSL' offer_came_from wolfssl

tool amqp-publish --routing-key=one --body='a small body'
holds 'amqp-publish sends a small body' succeeded
holds 'with an offer of wolfSSL' offer_came_from wolfssl
tool amqp-get --queue=one
printf 'a small body' >"$work/expected"
holds 'amqp-get fetches it' succeeded cmp "$work/expected" "$work/out"
holds 'with an offer of wolfSSL' offer_came_from wolfssl
tool amqp-get --queue=one
holds 'amqp-get says by its status that the queue is empty' test "$status" -eq 2

# frame_max is 131072 with these tools: three frames, the last one short.
head -c 300001 /dev/urandom >"$work/large"
tool amqp-publish --routing-key=one <"$work/large"
holds 'amqp-publish sends a body of several frames from its standard input' succeeded
tool amqp-get --queue=one
holds 'amqp-get fetches it whole' succeeded cmp "$work/large" "$work/out"

seq -f 'line %g' 20 >"$work/lines"
tool amqp-publish --routing-key=one --line-buffered <"$work/lines"
holds 'amqp-publish sends twenty lines as messages' succeeded
tool amqp-consume --queue=one --count=20 cat
holds 'amqp-consume takes them in their order' succeeded cmp "$work/lines" "$work/out"
holds 'with an offer of wolfSSL' offer_came_from wolfssl

tool amqp-publish --routing-key=one --body=left
tool amqp-delete-queue --queue=one
holds 'amqp-delete-queue deletes the queue and counts what was left' succeeded grep -qx 1 "$work/out"
holds 'with an offer of wolfSSL' offer_came_from wolfssl

# Only what TLS knows is added to what the tools say; a refusal in AMQP is theirs to tell.
tool amqp-get --queue=one
holds 'amqp-get reports that there is no such queue' failed_with 1 404
holds 'and of TLS only that it was there' \
  test -z "$(grep librabbitmq-wolfssl "$work/err" | grep -v ': connected to localhost port .*, verified) by TLSv1')"
holds 'which is said once' test "$(grep -c 'librabbitmq-wolfssl: connected to' "$work/err")" -eq 1

# ---- A process that waits: what carries its connection ---------------------------------------------------------------

# look_at_consumer LAUNCHER: leaves in files what is mapped while amqp-consume waits, and the broker's view of it. The
# first message tells that it consumes, the second lets it end.
look_at_consumer() {
  tool amqp-declare-queue --queue=two
  start consumer "$1" amqp-consume --url="$url" --cacert="$ca" --cert="$certificate" --key="$key" --queue=two \
    --count=2 cat >"$work/consumed" 2>>"$work/all-err"
  tool amqp-publish --routing-key=two --body=first
  wait_until grep -q first "$work/consumed"
  maps_hold=no
  ! maps_hold_wolfssl "$(cat "$work/consumer.pid")" || maps_hold=yes
  "$broker" ctl "$work/broker" --quiet list_connections user ssl ssl_protocol ssl_cipher peer_cert_subject \
    >"$work/connections" 2>&1
  tool amqp-publish --routing-key=two --body=second
  status=0
  await_end consumer || status=$?
}

broker_sees_mutual_tls() {
  grep "^$RABBITMQ_USER.true.tlsv1" "$work/connections" | grep -q 'gcm.*CN=client1'
}

printf 'firstsecond' >"$work/expected"
look_at_consumer "$with_wolfssl"
holds 'amqp-consume waits for its messages and gets them' succeeded cmp "$work/expected" "$work/consumed"
holds 'libwolfssl and the drop-in library are mapped meanwhile' test "$maps_hold" = yes
sed 's/^/# /' "$work/connections"
holds "the broker sees TLS, AES-GCM and the client's certificate" broker_sees_mutual_tls
look_at_consumer "$with_openssl"
holds 'without the drop-in library amqp-consume does the same' succeeded cmp "$work/expected" "$work/consumed"
holds 'and neither is mapped' test "$maps_hold" = no

# ---- What goes wrong, and that it is told only when asked for --------------------------------------------------------

# The last line gives the reason. Before it there may be that of the setter which failed, since these tools go on and
# open, or that of the connection, which in TLS 1.3 is open when the broker looks at the client's certificate.
explained() {
  sed -n '/^librabbitmq-wolfssl: /p' "$work/err" >"$work/said"
  [ "$status" -eq 1 ] && [ "$(wc -l <"$work/said")" -le 2 ] && sed -n '$p' "$work/said" | grep -qe "$1" &&
    ! sed '$d' "$work/said" | grep -vqE '^librabbitmq-wolfssl: (configure: [A-Z_]+: |connected to )'
}

in_its_own_words() {
  failed_with 1 . && ! grep -q 'librabbitmq-wolfssl' "$work/err"
}

# refused NAME SENTENCE OPTION...: amqp-declare-queue fails with these options. SENTENCE is a pattern.
refused() {
  reason=$1
  sentence=$2
  shift 2
  run "$with_wolfssl" AMQP_WOLFSSL_DEBUG=1 amqp-declare-queue --queue=none "$@"
  sed -n 's/^librabbitmq-wolfssl/# &/p' "$work/err"
  holds "$reason: refused, and AMQP_WOLFSSL_DEBUG=1 explains it" explained "$sentence"
  run "$with_wolfssl" amqp-declare-queue --queue=none "$@"
  holds "$reason: refused, and without that the tool says what it always says" in_its_own_words
}

refused 'an unknown CA' 'does not lead to a trusted CA: what the broker sent leads to' \
  --url="$url" --cacert="$RABBITMQ_CERTIFICATES/other-ca.pem" --cert="$certificate" --key="$key"

before=$(connections_so_far)
refused "a key that is not the certificate's" 'does not belong to the certificate' \
  --url="$url" --cacert="$ca" --cert="$certificate" --key="$RABBITMQ_CERTIFICATES/client-no-user.key"
refused 'a key that is missing' 'no-such.key' \
  --url="$url" --cacert="$ca" --cert="$certificate" --key="$work/no-such.key"
refused 'a CA file that is missing' 'no-such.pem' \
  --url="$url" --cacert="$work/no-such.pem" --cert="$certificate" --key="$key"
# The relay accepts in order: once it has passed on this one, it would have counted those before it.
tool amqp-declare-queue --queue=three
holds 'after a setter failed not even a TCP connection was made' test "$(connections_so_far)" -eq "$((before + 1))"

refused 'no client certificate' 'requires a client certificate and none is configured' --url="$url" --cacert="$ca"
refused "another CA's client certificate" 'rejected your certificate: unknown_ca' --url="$url" --cacert="$ca" \
  --cert="$RABBITMQ_CERTIFICATES/client-other-ca.pem" --key="$RABBITMQ_CERTIFICATES/client-other-ca.key"

server_listens() {
  server_port=$(sed -n 's/^ACCEPT .*:\([0-9][0-9]*\)$/\1/p' "$work/server.out")
  [ -n "$server_port" ]
}
start server openssl s_server -accept 127.0.0.1:0 -www -cert "$RABBITMQ_CERTIFICATES/server-wrong-name.pem" \
  -key "$RABBITMQ_CERTIFICATES/server-wrong-name.key" >"$work/server.out" 2>&1
wait_until server_listens
refused 'a server of another name' 'elsewhere.test' \
  --url="amqps://$RABBITMQ_USER:$RABBITMQ_PASSWORD@localhost:$server_port/%2f" --cacert="$ca" --cert="$certificate" \
  --key="$key"
stop server

password_is_absent() {
  [ -s "$work/all-err" ] && [ -n "$RABBITMQ_PASSWORD" ] && ! grep -qF "$RABBITMQ_PASSWORD" "$work/all-err"
}
holds "the URL's password never came to stderr" password_is_absent
tap_finish
