#!/bin/sh
# SPDX-License-Identifier: MIT
#
# RabbitMQ's own OAuth 2 backend and examples/oauth2_client over mutual TLS: a JWT lets it in, is renewed, or expires,
# and then the broker says why. Key and tokens are made here, by openssl. A token lives a few times as long as a login
# takes on this machine.

set -u

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$root}
broker=${BROKER:-$root/scripts/broker}
. "$root/tests/support/tap.sh"

if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_missing_peer 'a login with a token' rabbitmq-server
  tap_finish
fi
if ! ls -d /usr/lib/rabbitmq/lib/*/plugins/rabbitmq_auth_backend_oauth2* >/dev/null 2>&1; then
  tap_missing_peer 'a login with a token' rabbitmq_auth_backend_oauth2
  tap_finish
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/oauth2.XXXXXX") || exit 99
clean_up() {
  stop_client
  "$broker" stop "$work/broker" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- Tokens ------------------------------------------------------------------------------------------------------

base64url() {
  openssl base64 -A | tr '+/' '-_' | tr -d '='
}

# sign KEY: RS256
sign() {
  openssl dgst -sha256 -sign "$1" -binary | base64url
}

# claims EXPIRY AUDIENCE
claims() {
  printf '{"sub":"token-user","aud":["%s"],"exp":%s,"scope":["rabbitmq.configure:*/*","rabbitmq.write:*/*",' "$2" "$1"
  printf '"rabbitmq.read:*/*"]}'
}

# make_token FILE EXPIRY [KEY [AUDIENCE]]: by renaming, as who reads it expects
make_token() {
  signed=$(printf '{"alg":"RS256","typ":"JWT","kid":"key"}' | base64url).$(claims "$2" "${4:-rabbitmq}" | base64url)
  (umask 077 && printf '%s.%s\n' "$signed" "$(printf %s "$signed" | sign "${3:-$work/key.pem}")" >"$1.new") &&
    mv "$1.new" "$1"
}

# Nobody has signed it.
make_unsigned_token() {
  printf '%s.%s.\n' "$(printf '{"alg":"none","typ":"JWT"}' | base64url)" \
    "$(claims "$(in_seconds 3600)" rabbitmq | base64url)" >"$1"
}

# The confusion of algorithms: signed by HMAC, with the public key as the secret.
make_confused_token() {
  signed=$(printf '{"alg":"HS256","typ":"JWT","kid":"key"}' | base64url)
  signed=$signed.$(claims "$(in_seconds 3600)" rabbitmq | base64url)
  secret=$(od -An -v -tx1 "$work/public.pem" | tr -d ' \n')
  printf '%s.%s\n' "$signed" "$(printf %s "$signed" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$secret" -binary |
    base64url)" >"$1"
}

in_seconds() {
  echo $(($(date +%s) + $1))
}

make_keys() {
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/key.pem" &&
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/other-key.pem" &&
    openssl pkey -in "$work/key.pem" -pubout -out "$work/public.pem" && chmod 644 "$work/public.pem"
}

# ---- Broker and client -------------------------------------------------------------------------------------------

# Nobody but the OAuth 2 backend may let anybody in.
write_configuration() {
  cat >"$work/oauth2.conf" <<END
auth_backends.1 = rabbit_auth_backend_oauth2
auth_oauth2.resource_server_id = rabbitmq
auth_oauth2.default_key = key
auth_oauth2.signing_keys.key = $work/public.pem
auth_oauth2.algorithms.1 = RS256
END
}

start_broker() {
  "$broker" start "$work/broker" --configuration "$work/oauth2.conf" --plugins rabbitmq_auth_backend_oauth2
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

# Cases run in shells of their own, so it is a file that says which client runs.
start_client() {
  "$build/examples/oauth2_client" localhost "$RABBITMQ_TLS_PORT" "$RABBITMQ_CERTIFICATES/ca.pem" \
    "$RABBITMQ_CERTIFICATES/client.pem" "$RABBITMQ_CERTIFICATES/client.key" "$work/token" >"$work/out" 2>&1 &
  client_pid=$!
  echo "$client_pid" >"$work/client.pid"
}

stop_client() {
  if [ -e "$work/client.pid" ]; then
    kill "$(cat "$work/client.pid")" 2>/dev/null
    within 60 client_is_gone
    rm -f "$work/client.pid"
    cat "$work/out" >>"$work/all-out"
  fi
}

# Also one that nobody has waited for.
client_is_gone() {
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$(cat "$work/client.pid")/status" 2>/dev/null)
  [ -z "$state" ] || [ "$state" = Z ]
}

confirms() {
  grep -c '^confirmed' "$work/out"
}

more_confirms_than() {
  [ "$(confirms)" -gt "$1" ]
}

is_past() {
  [ "$(date +%s)" -gt "$1" ]
}

connections() {
  "$broker" ctl "$work/broker" --quiet list_connections "$@"
}

# Ends by itself, with 1 and these lines.
client_ends_with() {
  within 120 client_is_gone || return 1
  status=0
  wait "$client_pid" || status=$?
  rm -f "$work/client.pid"
  cat "$work/out" >>"$work/all-out"
  [ "$status" -eq 1 ] && has_lines "$work/out" "$@"
}

# refused NAME: the token in $work/token
refused() {
  start_client
  client_ends_with '^login: the broker replied 403, ACCESS_REFUSED' && ! grep -q '^logged in' "$work/out"
}

# ---- Cases -------------------------------------------------------------------------------------------------------

logs_in_and_works() {
  make_token "$work/token" "$(in_seconds 3600)" || return 1
  began=$(date +%s)
  start_client
  within 120 more_confirms_than 1 || {
    cat "$work/out"
    return 1
  }
  # For tokens that are to expire: whole seconds, rounded up.
  echo $((4 * ($(date +%s) - began) + 8)) >"$work/lifetime"
}

is_mutual_tls() {
  connections user auth_mechanism ssl peer_cert_subject >"$work/connections" &&
    has_lines "$work/connections" '^token-user.*PLAIN.*true.*CN=client1'
}

no_login_without_a_certificate() {
  openssl s_client -connect "127.0.0.1:$RABBITMQ_TLS_PORT" -tls1_2 </dev/null >"$work/s_client" 2>&1
  grep -q 'handshake failure' "$work/s_client"
}

expires() {
  lifetime=$(cat "$work/lifetime")
  make_token "$work/token" "$(in_seconds "$lifetime")" || return 1
  start_client
  within 120 more_confirms_than 0 && client_ends_with '^logged in' '^confirmed' "$@"
}

is_renewed() {
  expiry=$(in_seconds "$(cat "$work/lifetime")")
  make_token "$work/token" "$expiry" || return 1
  start_client
  within 120 more_confirms_than 0 && connections name >"$work/before" || return 1
  make_token "$work/token" "$(in_seconds 3600)" || return 1
  within 120 grep -q '^renewed' "$work/out" && within 600 is_past "$((expiry + 2))" &&
    within 120 more_confirms_than "$(confirms)" && connections name >"$work/after"
}

# By what librabbitmq can do.
is_renewed_the_best_way() {
  library=$(ldd "$program" | sed -n 's/.*librabbitmq\.so\.4 => \([^ ]*\).*/\1/p')
  if nm -D "$library" | grep -q ' T amqp_connection_update_secret'; then
    grep -q '^renewed on this connection' "$work/out" && cmp "$work/before" "$work/after"
  else
    grep -q '^renewed by a new connection' "$work/out" && ! cmp -s "$work/before" "$work/after"
  fi
}

# A renewal with a token that the broker does not take is refused, in words.
is_not_renewed() {
  make_token "$work/token" "$(in_seconds 3600)" || return 1
  start_client
  within 120 more_confirms_than 0 || return 1
  make_token "$work/token" "$(in_seconds 3600)" "$work/other-key.pem" || return 1
  client_ends_with '^logged in' 'the broker replied (403|530)'
}

no_token_was_shown() {
  ! grep -qF "$(printf '{"alg":"RS256"' | base64url | cut -c1-16)" "$work/all-out"
}

program=$build/examples/.libs/oauth2_client
[ -x "$program" ] || program=$build/examples/oauth2_client
tap_check 'keys are made' make_keys || tap_finish
write_configuration
: >"$work/all-out"
tap_check 'a broker that takes tokens, and nothing else, starts' start_broker || tap_finish
# shellcheck source=/dev/null
. "$work/broker/env"
tap_check 'a token lets the client in' logs_in_and_works || tap_finish
tap_check 'over mutual TLS, as the user that the token names' is_mutual_tls
stop_client
tap_check 'nobody gets as far as a token without a certificate' no_login_without_a_certificate

make_token "$work/token" "$(in_seconds 3600)" "$work/other-key.pem"
tap_check 'a token that somebody else signed is refused' refused
make_token "$work/token" "$(in_seconds -60)"
tap_check 'a token that has expired is refused' refused
make_token "$work/token" "$(in_seconds 3600)" "$work/key.pem" elsewhere
tap_check 'a token for another audience is refused' refused
make_unsigned_token "$work/token"
tap_check 'a token that nobody signed is refused' refused
make_confused_token "$work/token"
tap_check 'a token signed with the public key is refused' refused

tap_check 'a token that expires ends the connection, with a reason' expires \
  '^publish: the broker replied [0-9]+, .*token has expired'
tap_check 'a token that is renewed in time keeps the client working' is_renewed
tap_check 'on the same connection, where librabbitmq can' is_renewed_the_best_way
stop_client
tap_check 'a renewal with a bad token is refused, with a reason' is_not_renewed
tap_check 'no output shows a token' no_token_was_shown
tap_finish
