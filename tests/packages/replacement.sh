#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Programs just as Debian ships them, before and after librabbitmq4-wolfssl takes the place of librabbitmq4. Nothing is
# preloaded or linked again. To be run by root in a system for it (scripts/test-packages): it installs packages, and
# removes them.
#
# How we know that wolfSSL carries the connections: they run under a configuration of OpenSSL under which none can be
# made, as the same programs show before the replacement; a relay before the broker tells whose ClientHello it saw; and
# no library that librabbitmq needs is OpenSSL's.

set -u

root=${abs_top_srcdir:?}
. "$root/tests/support/tap.sh"
. "$root/tests/support/unmodified_client.sh"
libraries=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
drop_in=
needed_drop_in=$libraries/librabbitmq-wolfssl-compat.so.0
collectd=/usr/sbin/collectd

install_packages() {
  apt-get -y --no-install-recommends install "$@"
}

# ---- Programs that are linked with Debian's librabbitmq --------------------------------------------------------------

# An application of rabbitmq-c's TLS, and the same behind a library that makes the calls for it, linked so that nothing
# else is needed by the program.
link_programs() {
  cc -DAMQP_TLS_OPENSSL=1 -Wl,--as-needed -o "$work/consumer" "$root/tests/consumers/consumer.c" -lrabbitmq &&
    cc -DAMQP_TLS_OPENSSL=1 -Dmain=wrapped_main -shared -fPIC -Wl,--as-needed -Wl,-soname,libwrapper.so \
      -o "$work/libwrapper.so" "$root/tests/consumers/consumer.c" -lrabbitmq &&
    printf 'int wrapped_main(int, char **);\nint main(int c, char **v) { return wrapped_main(c, v); }\n' \
      >"$work/wrapped.c" &&
    cc -Wl,--as-needed -Wl,-rpath,"$work" -o "$work/wrapped" "$work/wrapped.c" -L"$work" -lwrapper -lrabbitmq &&
    ! objdump -p "$work/wrapped" | grep 'NEEDED.*rabbitmq'
}

run_consumer() {
  "$1" "$work/consumer" "$ca" localhost "$relay_port" "$certificate" "$key"
}
run_wrapped() {
  "$1" "$work/wrapped" "$ca" localhost "$relay_port" "$certificate" "$key"
}

# ---- Programs of Debian: run_NAME LAUNCHER succeeds when a message went through --------------------------------------

run_amqp_tools() {
  launched_by=$1
  amqp() {
    program=$1
    shift
    "$launched_by" "$program" --url="$url" --ssl --cacert="$ca" --cert="$certificate" --key="$key" "$@"
  }
  head -c 300001 /dev/urandom >"$work/large"
  amqp amqp-declare-queue --queue=tools && amqp amqp-publish --routing-key=tools <"$work/large" &&
    amqp amqp-get --queue=tools >"$work/fetched" && cmp "$work/large" "$work/fetched"
}

run_php() {
  "$1" php "$root/tests/packages/php_amqp.php" "$relay_port" "$RABBITMQ_CERTIFICATES"
}

# Once it has sent a value.
run_collectd() {
  cat >"$work/collectd.conf" <<END
BaseDir "$work/collectd"
PIDFile "$work/collectd.pidfile"
Interval 1
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File stdout
</Plugin>
LoadPlugin uptime
LoadPlugin amqp
<Plugin amqp>
  <Publish "values">
    Host "localhost"
    Port "$relay_port"
    VHost "/"
    User "$RABBITMQ_USER"
    Password "$RABBITMQ_PASSWORD"
    Exchange "amq.fanout"
    TLSEnabled true
    TLSVerifyPeer true
    TLSVerifyHostName true
    TLSCACert "$ca"
    TLSClientCert "$certificate"
    TLSClientKey "$key"
  </Publish>
</Plugin>
END
  daemon collectd "$1" "$collectd" -f -C "$work/collectd.conf"
}

run_syslog_ng() {
  cat >"$work/syslog-ng.conf" <<END
@version: $(syslog-ng --version | sed -n 's/^Config version: //p')
options { time-reopen(1); };
source lines { file("$work/lines" flags(no-parse) follow-freq(0.1)); };
destination broker {
  amqp(
    host("localhost") port($relay_port) vhost("/") exchange("amq.fanout") exchange-type("fanout")
    routing-key("line") body("\$MESSAGE\\n") auth-method("external") persistent(no)
    tls(ca-file("$ca") cert-file("$certificate") key-file("$key") peer-verify(yes))
  );
};
log { source(lines); destination(broker); };
END
  seq -f 'line %g' 20 >"$work/lines"
  rm -f "$work/persist"
  daemon syslog-ng "$1" syslog-ng --foreground --stderr --no-caps --cfgfile="$work/syslog-ng.conf" \
    --persist-file="$work/persist" --control="$work/control" --pidfile="$work/syslog-ng.pidfile"
}

# daemon NAME COMMAND...: runs it until something has come from it, or for as long as it may take. Prints its maps.
daemon() {
  daemon_name=$1
  shift
  "$broker" ctl "$work/broker" --quiet purge_queue values >/dev/null &&
    start "$daemon_name" "$@" >"$work/$daemon_name.out" 2>&1 || return
  daemon_status=0
  wait_until something_came || daemon_status=1
  cat "/proc/$(cat "$work/$daemon_name.pid")/maps"
  cat "$work/$daemon_name.out" >&2
  stop "$daemon_name"
  return "$daemon_status"
}

# By a client without TLS.
something_came() {
  timeout "$limit" amqp-get --url="$plain_url" --queue=values >"$work/arrived" 2>&1
}

bind_queue() {
  cat >"$work/definitions.json" <<'END'
{
  "queues": [ { "name": "values", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {} } ],
  "bindings": [
    { "source": "amq.fanout", "vhost": "/", "destination": "values", "destination_type": "queue", "routing_key": "",
      "arguments": {} }
  ]
}
END
  "$broker" ctl "$work/broker" --quiet import_definitions "$work/definitions.json"
}

# ---- What is judged --------------------------------------------------------------------------------------------------

# try NAME LAUNCHER: its status in $status, what it printed in $work/out and $work/err
try() {
  status=0
  "run_$1" "$2" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

succeeded_by() {
  [ "$status" -eq 0 ] && offer_came_from "$1"
}

# The program may link OpenSSL for purposes of its own.
maps_wolfssl() {
  grep -q '/libwolfssl[-.]' "$work/out" && grep -q '/librabbitmq-wolfssl-compat\.so' "$work/out" &&
    grep -qF "$(readlink -f "$libraries/librabbitmq.so.4")" "$work/out"
}

# needs_no_openssl LIBRARY: nor does anything that it needs
needs_no_openssl() {
  ldd "$1" >"$work/err" && grep -q libwolfssl "$work/err" && ! grep -E 'lib(ssl|crypto)\.' "$work/err"
}

programs='consumer wrapped amqp_tools php collectd syslog_ng'

# before_replacement: they work by OpenSSL, and can't without it
before_replacement() {
  for name in $programs; do
    try "$name" "$with_openssl"
    holds "$name, with librabbitmq4: works by OpenSSL" succeeded_by openssl
    try "$name" "$with_openssl_disabled"
    holds "$name, with librabbitmq4: does not where OpenSSL is disabled" test "$status" -ne 0
  done
}

after_replacement() {
  for name in $programs; do
    try "$name" "$with_openssl_disabled"
    holds "$name, with $replacement: works by wolfSSL, where OpenSSL is disabled" succeeded_by wolfssl
    [ "$name" = amqp_tools ] || holds "$name: it has wolfSSL in its memory" maps_wolfssl
  done
  ca=$RABBITMQ_CERTIFICATES/other-ca.pem
  for name in consumer wrapped amqp_tools; do
    try "$name" "$with_openssl_disabled"
    holds "$name, with $replacement: refuses a broker of an unknown CA" test "$status" -ne 0
  done
  ca=$RABBITMQ_CERTIFICATES/ca.pem
}

# Every function of the original is in one of the two libraries.
symbols_are_complete() {
  nm -D --defined-only "$libraries/librabbitmq.so.4" "$needed_drop_in" | sed -n 's/.* [TDRB] \([^@]*\).*/\1/p' |
    LC_ALL=C sort -u >"$work/now"
  LC_ALL=C comm -23 "$work/original" "$work/now" >"$work/err"
  [ -s "$work/original" ] && [ ! -s "$work/err" ]
}

installed() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | LC_ALL=C sort
}

# Nothing was removed for it but the original.
only_the_original_went() {
  installed >"$work/packages-now"
  LC_ALL=C comm -23 "$work/packages" "$work/packages-now" >"$work/err"
  [ "$(cat "$work/err")" = librabbitmq4 ]
}

replacement=librabbitmq4-wolfssl
begin_unmodified_clients "$collectd" syslog-ng php amqp-get
details=$work/err
ca=$RABBITMQ_CERTIFICATES/ca.pem
certificate=$RABBITMQ_CERTIFICATES/client.pem
key=$RABBITMQ_CERTIFICATES/client.key
url=amqps://$RABBITMQ_USER:$RABBITMQ_PASSWORD@localhost:$relay_port/%2f
plain_url=amqp://$RABBITMQ_USER:$RABBITMQ_PASSWORD@127.0.0.1:$RABBITMQ_PLAIN_PORT/%2f
tap_check 'the queue is bound' bind_queue

tap_check 'programs are linked with librabbitmq4' link_programs
nm -D --defined-only "$libraries/librabbitmq.so.4" | sed -n 's/.* [TDRB] \([^@]*\).*/\1/p' | LC_ALL=C sort -u \
  >"$work/original"
before_replacement

installed >"$work/packages"
tap_check "$replacement is installed" install_packages "$replacement"
holds 'it takes the place of librabbitmq4, and nothing else is removed' only_the_original_went
tap_check 'all packages have what they need' apt-get -s check
holds "every function of the original's is there" symbols_are_complete
holds 'neither libssl nor libcrypto comes by it' needs_no_openssl "$libraries/librabbitmq.so.4"
after_replacement

tap_check 'librabbitmq4 comes back' install_packages --allow-remove-essential librabbitmq4 "$replacement-"
try amqp_tools "$with_openssl"
holds 'amqp_tools: works by OpenSSL again' succeeded_by openssl
tap_finish
