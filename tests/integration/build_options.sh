#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What configure's options make of the library: --with-policy, --enable-policy-lock, and --sysconfdir with the
# administrator's file in it. --with-fips is in fips_options.sh.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/support/configured-builds.sh"
site_file=$work/etc/rabbitmq-wolfssl.conf

# with_site_file TEXT COMMAND...: while the administrator's file holds TEXT
with_site_file() {
  printf '%s' "$1" >"$site_file"
  chmod 644 "$site_file"
  shift
  status=0
  "$@" || status=$?
  rm -f "$site_file"
  return "$status"
}

# shows_of_others FOLDER PATTERN...: the same, with the administrator's file as nobody should leave it
shows_of_others() {
  chmod 666 "$site_file"
  shows "$@"
}

# run_client: through the drop-in library, to the broker
run_client() {
  # shellcheck source=/dev/null
  . "$work/broker/env"
  AMQP_WOLFSSL_DEBUG=1 "$work/fips/tests/support/ssl_client_relinked" localhost "$RABBITMQ_TLS_PORT" \
    "$RABBITMQ_CERTIFICATES/ca.pem" "$RABBITMQ_CERTIFICATES/client.pem" "$RABBITMQ_CERTIFICATES/client.key" \
    >"$work/client.out" 2>&1
}

is_told_of_the_exception() {
  if run_client; then return 1; fi
  has_lines "$work/client.out" 'policy: POLICY_EXTENDED_MASTER_SECRET: .*"extended-master-secret = optional" in rabbit'
}

works_with_the_broker() {
  run_client || {
    cat "$work/client.out"
    return 1
  }
  has_lines "$work/client.out" '^done' '^librabbitmq-wolfssl: connected to localhost .*, verified\) by TLSv1\.2, '
}

# ---- Policies ----

tap_check 'configure refuses a policy that there is not' is_refused none 'takes fips, cnsa or modern' --with-policy=none

tap_check 'a build with policy fips, which is the default' build fips
tap_check 'its summary names the policy' has_lines "$work/fips/configure.out" '^  default policy +fips$' \
  '^    locked +no$' "^    site file +$site_file\$"
# A wolfSSL that can't be told which signatures to offer can't hold policy cnsa.
cnsa=NOT_SUPPORTED
cnsa_open=NOT_SUPPORTED
if grep -qE '^    signature lists +yes$' "$work/fips/configure.out"; then
  cnsa=OK
  cnsa_open=REVOCATION_UNKNOWN # neither lists nor stapling were asked for
fi
tap_check 'policy fips: the other two can be chosen, and an exception made' shows fips \
  '^build .*; policy fips\)$' '^runtime OK$' '^policy fips OK$' "^policy cnsa $cnsa\$" '^policy modern OK$' \
  '^suite TLS_AES_256_GCM_SHA384 OK$' '^suite TLS_AES_128_GCM_SHA256 OK$' \
  '^suite TLS_CHACHA20_POLY1305_SHA256 INVALID_ARGUMENT$' '^without extended_master_secret OK$' \
  '^without verify_peer OK$' '^without verify_host OK$' '^open CONNECT_FAILED '
tap_check 'the file tightens the policy of a program that is not built again' with_site_file 'policy = cnsa
' shows fips '^suite TLS_AES_256_GCM_SHA384 OK$' '^suite TLS_AES_128_GCM_SHA256 INVALID_ARGUMENT$' \
  '^without extended_master_secret POLICY_LOCKED$' '^without verify_peer POLICY_LOCKED$' \
  '^without verify_host POLICY_LOCKED$'
tap_check 'the file does not loosen it' with_site_file 'policy = modern
' shows fips '^suite TLS_CHACHA20_POLY1305_SHA256 INVALID_ARGUMENT$'
tap_check 'a file with a mistake makes opening fail, with the line' with_site_file '# one
policy = fips
minimum-version = 1.0
' shows fips "^open SITE_FILE_INVALID .*$site_file.*line 3"

tap_check 'an exception in a file that others can write to makes opening fail' with_site_file \
  'extended-master-secret = optional
' shows_of_others fips "^open SITE_FILE_INVALID .*$site_file makes an exception"

# ---- The administrator's exception, for a program that has no function for one ----

# TLS 1.2 only, without the Extended Master Secret: RabbitMQ knows nothing of it. The program was written for OpenSSL.
if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_check 'a RabbitMQ with TLS 1.2 only' "$BROKER" start "$work/broker" --tls-versions 1.2
  tap_check 'the drop-in library of that build, and a program on it' make_in fips librabbitmq-wolfssl-compat.la \
    tests/support/ssl_client_relinked
  tap_check 'the program is refused, and told what an administrator can do' is_told_of_the_exception
  tap_check 'with the exception in the file it works' with_site_file 'policy = fips
extended-master-secret = optional
' works_with_the_broker
else
  tap_missing_peer 'the exception with RabbitMQ' rabbitmq-server
fi

tap_check 'a build locked to policy cnsa' build cnsa --with-policy=cnsa --enable-policy-lock
tap_check 'its summary says so' has_lines "$work/cnsa/configure.out" '^  default policy +cnsa$' '^    locked +yes$'
tap_check 'locked to cnsa: no other policy, and no exception' shows cnsa \
  '^build .*; policy cnsa, locked\)$' '^policy fips POLICY_LOCKED$' "^policy cnsa $cnsa\$" \
  '^policy modern POLICY_LOCKED$' "^open $cnsa_open " \
  '^suite TLS_AES_256_GCM_SHA384 OK$' '^suite TLS_AES_128_GCM_SHA256 INVALID_ARGUMENT$' \
  '^without extended_master_secret POLICY_LOCKED$' '^without verify_peer POLICY_LOCKED$' \
  '^without verify_host POLICY_LOCKED$'
tap_check 'locked to cnsa: the file does not loosen it' with_site_file 'policy = fips
' shows cnsa '^policy fips POLICY_LOCKED$' '^suite TLS_AES_128_GCM_SHA256 INVALID_ARGUMENT$'

tap_check 'locked to cnsa: an exception in the file makes opening fail' with_site_file \
  'extended-master-secret = optional
' shows cnsa "^open SITE_FILE_INVALID .*$site_file makes an exception .*--enable-policy-lock"

tap_check 'a build with policy modern' build modern --with-policy=modern
# Where wolfSSL has ChaCha20-Poly1305, as FIPS builds don't.
chacha=$(sed -n 's/^modern TLS_CHACHA20_POLY1305_SHA256 //p' "$work/fips/shown")
tap_check 'policy modern is the default then' shows modern '^build .*; policy modern\)$' '^policy fips OK$' \
  "^suite TLS_CHACHA20_POLY1305_SHA256 ${chacha:-unknown}\$"
tap_check 'the file tightens that too' with_site_file 'policy = fips
' shows modern '^suite TLS_AES_128_GCM_SHA256 OK$' '^suite TLS_CHACHA20_POLY1305_SHA256 INVALID_ARGUMENT$'
tap_finish
