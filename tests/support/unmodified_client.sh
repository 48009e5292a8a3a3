# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# For tests that run programs just as Debian ships them, with the drop-in library preloaded. Source tap.sh first, then
# this. It sets nothing up by itself: call begin_unmodified_clients.
#
# How we know that wolfSSL carries a connection. Debian's librabbitmq links OpenSSL and binds all its symbols at the
# start, so that libssl is in the maps of the process, and in what the loader resolves, used or not. Hence:
# - with the drop-in library, a program's OpenSSL gets a configuration under which no handshake of its own can succeed;
# - the suites of the ClientHello, seen by a relay before the broker, are those of our policy;
# - libwolfssl and the drop-in library are in the maps of the process.
# Each test also runs these checks on the same program without the drop-in library, where they have to come out the
# other way.

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$root}
broker=${BROKER:-$root/scripts/broker}
# What programs run with; empty where it is not there from the start.
drop_in=$build/.libs/librabbitmq-wolfssl-compat.so
# Seconds: how long a tool may take, and how long we wait for something to come about; and the most that a process in
# the background may outlive a test that was killed.
limit=30
background_limit=${TEST_TIMEOUT:-300}
work=
# Daemons live in sbin, which is not in everybody's path.
PATH=$PATH:/usr/sbin:/sbin
unset AMQP_WOLFSSL_DEBUG LD_PRELOAD OPENSSL_CONF

# ---- Processes ---------------------------------------------------------------------------------------------------

# wait_until CONDITION...: until the command succeeds; fails after the limit
wait_until() {
  deadline=$(($(date +%s) + limit))
  until "$@"; do
    if [ "$(date +%s)" -ge "$deadline" ]; then
      return 1
    fi
    sleep 0.05
  done
}

# start NAME COMMAND...: in the background. $work/NAME.pid holds the command's pid: the shell that wrote it becomes the
# command. It ends when its limit is over at the latest; what ignores that is killed.
start() {
  name=$1
  shift
  rm -f "$work/$name.pid"
  # shellcheck disable=SC2016
  timeout -k 10 "$background_limit" sh -c 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"' "$work/$name.pid" "$@" &
  echo $! >"$work/$name.runner"
  wait_until test -e "$work/$name.pid"
}

# await_end NAME: hands on its exit status, or 124 if it had to be ended
await_end() {
  end_status=0
  wait "$(cat "$work/$1.runner")" || end_status=$?
  rm -f "$work/$1.runner"
  return "$end_status"
}

# stop NAME: it need not run any more. timeout hands the signal on to the command.
stop() {
  kill "$(cat "$work/$1.runner")" 2>/dev/null || :
  await_end "$1" 2>/dev/null || :
}

clean_up() {
  for runner in "$work"/*.runner; do
    if [ -e "$runner" ]; then
      runner=${runner##*/}
      stop "${runner%.runner}"
    fi
  done
  "$broker" stop "$work/broker" || :
  rm -rf "$work"
}

# run COMMAND...: its status in $status, what it wrote in $work/out and $work/err. All that was ever written to stderr
# is kept in $work/all-err.
run() {
  status=0
  timeout "$limit" "$@" >"$work/out" 2>"$work/err" || status=$?
  cat "$work/err" >>"$work/all-err"
}

# holds NAME CONDITION...: a case. $details, a file, is shown when it fails.
holds() {
  case_name=$1
  shift
  result=0
  "$@" || result=1
  tap_result "$case_name" "$result" "$([ ! -e "$details" ] || tail -n 5 "$details")"
}

# ---- Which TLS library -------------------------------------------------------------------------------------------

# launcher NAME [VARIABLE=VALUE...]: makes $work/NAME, which becomes the command it is given, with these variables
launcher() {
  path=$work/$1
  shift
  {
    printf '#!/bin/sh\nexec env'
    [ "$#" -eq 0 ] || printf " '%s'" "$@"
    # shellcheck disable=SC2016
    printf ' "$@"\n'
  } >"$path"
  chmod 700 "$path"
}

# An OpenSSL that reads this is left without any version of TLS, and, because librabbitmq sets versions itself since
# 0.15, without any cipher suite too.
make_launchers() {
  cat >"$work/no-openssl.cnf" <<'END'
openssl_conf = modules
[modules]
ssl_conf = ssl
[ssl]
system_default = nothing
[nothing]
MinProtocol = TLSv1.3
MaxProtocol = TLSv1.1
CipherString = eNULL:@SECLEVEL=0
Ciphersuites =
END
  launcher with-openssl
  launcher with-openssl-disabled "OPENSSL_CONF=$work/no-openssl.cnf"
  if [ -n "$drop_in" ]; then
    launcher with-wolfssl "OPENSSL_CONF=$work/no-openssl.cnf" "LD_PRELOAD=$drop_in" \
      "LD_LIBRARY_PATH=${drop_in%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  fi
  with_openssl=$work/with-openssl
  with_openssl_disabled=$work/with-openssl-disabled
  with_wolfssl=$work/with-wolfssl
}

# start_relay [FOLDER]: the folder, if any, gets what each connection carries
# shellcheck disable=SC2119,SC2120 # those who source this give one
start_relay() {
  start relay "$build/tests/support/recording_relay" "$RABBITMQ_TLS_PORT" "$@" >"$work/relay.out"
  wait_until grep -q '^PORT' "$work/relay.out" || return
  relay_port=$(sed -n 's/^PORT //p' "$work/relay.out")
}

connections_so_far() {
  grep -c '^CONNECTION' "$work/relay.out" || :
}

# last_offer: which library sent the last ClientHello. Ours offers what its policy lists, in that order and nothing
# else; wolfSSL may have been built without some. (00ff is no suite but says "secure renegotiation".) OpenSSL begins
# with its own order of TLS 1.3's suites.
last_offer() {
  sed -n 's/^CLIENT-HELLO //p' "$work/relay.out" | tail -n 1 | awk -v policy='1302 1301 c02c c030 c02b c02f 00ff' '
    /^1302 1303 1301 / { print "openssl"; exit }
    {
      count = split(policy, allowed, " ")
      position = 0
      for (i = 1; i <= NF; i++) {
        do {
          position++
        } while (position <= count && allowed[position] != $i)
      }
      if (NF == 0 || position > count)
        print "unknown: " $0
      else
        print "wolfssl"
    }'
}

offer_came_from() {
  [ "$(last_offer)" = "$1" ]
}

# maps_hold_wolfssl PID
maps_hold_wolfssl() {
  grep -q '/libwolfssl[-.]' "/proc/$1/maps" && grep -q '/librabbitmq-wolfssl-compat\.so' "/proc/$1/maps"
}

# ---- The start ---------------------------------------------------------------------------------------------------

skip_all() {
  printf '1..0 # SKIP %s\n' "$1"
  exit 0
}

skip_if_impossible() {
  if [ -n "${SANITIZER_FLAGS-}" ]; then
    skip_all "a library built with a sanitizer can't be preloaded into a program built without"
  fi
  if [ "${ENABLE_SHARED:-yes}" != yes ]; then
    skip_all 'built without shared libraries: there is nothing to preload'
  fi
  for program in /usr/lib/rabbitmq/bin/rabbitmq-server "$@"; do
    command -v "$program" >/dev/null || skip_all "missing peer: ${program##*/}"
  done
}

# give_up NAME FILE
give_up() {
  tap_fail "$1" "$(cat "$2")"
  tap_finish
}

# begin_unmodified_clients PROGRAM...: skips all if a program is not installed. Afterwards a private broker runs that
# insists on client certificates, with the variables of its env file set, $relay_port leads to its TLS port, and $work
# is a folder that is removed at the end.
begin_unmodified_clients() {
  skip_if_impossible "$@"
  work=$(mktemp -d "${TMPDIR:-/tmp}/unmodified-client.XXXXXX") || exit 1
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  [ -z "$drop_in" ] || ls "$drop_in" >"$work/start" 2>&1 || give_up 'the drop-in library was built' "$work/start"
  "$broker" start "$work/broker" >"$work/start" 2>&1 || give_up 'the private broker starts' "$work/start"
  # shellcheck source=/dev/null
  . "$work/broker/env"
  details=$work/err
  make_launchers
  start_relay 2>"$work/start" || give_up 'the relay starts' "$work/start"
}
