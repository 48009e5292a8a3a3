#!/bin/sh
# SPDX-License-Identifier: MIT
#
# private.sh PLAIN: packages that bring their own wolfSSL along (build-packages --with-wolfssl) can be had by apt from
# the start, and PLAIN is a folder with those that don't, or empty. To be run by root in a system for it
# (scripts/test-packages): it installs packages, and removes them.

set -u

root=${abs_top_srcdir:?}
. "$root/tests/support/tap.sh"
plain=$1
work=$(mktemp -d) || exit 1
clean_up() {
  "$root/scripts/broker" stop "$work/broker" || :
  rm -rf "$work"
}
trap clean_up EXIT
libraries=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
private=$libraries/librabbitmq-wolfssl/lib
library=$libraries/librabbitmq-wolfssl.so.0
drop_in=$libraries/librabbitmq-wolfssl-compat.so.0

install_packages() {
  apt-get -y --no-install-recommends install "$@"
}

has_no_system_wolfssl() {
  ! dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'libwolfssl*' 2>/dev/null | grep '^installed' &&
    ! ls "$libraries"/libwolfssl* 2>/dev/null
}

is_private_one() {
  ldd "$1"
  ldd "$1" | grep "libwolfssl.*=> $private/libwolfssl"
}

# Those that look for libraries in a folder of their own.
only_ours_have_a_run_path() {
  dpkg -L librabbitmq-wolfssl0 librabbitmq-wolfssl-compat0 | grep '\.so' | while read -r file; do
    [ -L "$file" ] || objdump -p "$file" | sed -n "s|^ *R[UN]*PATH *|${file##*/} |p"
  done >"$work/run-paths"
  cat "$work/run-paths"
  [ "$(wc -l <"$work/run-paths")" -eq 2 ] && ! grep -v "^librabbitmq-wolfssl.* $private\$" "$work/run-paths"
}

has_licence() {
  grep -E 'General Public License|GENERAL PUBLIC LICENSE|[Ll]icen[sc]e' \
    /usr/share/doc/librabbitmq-wolfssl0/wolfssl-copyright | sed 3q | grep .
}

link_by_pkg_config() {
  # Words on purpose.
  # shellcheck disable=SC2046
  cc -o "$work/connect" "$root/examples/connect.c" $(pkg-config --cflags --libs librabbitmq-wolfssl) &&
    cc -o "$work/connect-archive" "$root/examples/connect.c" $(pkg-config --cflags librabbitmq-wolfssl) \
      "$libraries/librabbitmq-wolfssl.a" \
      $(pkg-config --static --libs librabbitmq-wolfssl | sed 's/-lrabbitmq-wolfssl//') &&
    is_private_one "$work/connect-archive"
}

# says WORDS: what amqp_wolfssl_build_info() has
says() {
  "$work/info" && "$work/info" | grep -qF "$1"
}

says_how_aes_is_done() {
  if grep -E '^(flags|Features)' /proc/cpuinfo | grep -qw aes; then
    says 'AES by hardware'
  else
    says 'AES without hardware'
  fi
}

# ---- The system's wolfSSL in the same process ------------------------------------------------------------------------

# --no-as-needed: in the order given, and both.
link_with_both() {
  ours='-lrabbitmq-wolfssl -lrabbitmq'
  set -- -D_GNU_SOURCE -Wall -Wextra -Werror "$root/tests/packages/two_wolfssls.c" -Wl,--no-as-needed
  # Words on purpose.
  # shellcheck disable=SC2086
  cc -o "$work/system-first" "$@" -lwolfssl $ours && cc -o "$work/system-last" "$@" $ours -lwolfssl &&
    cc -DOPENED -o "$work/opened" "$@" && ! has_no_system_wolfssl
}

# each_has_its_own PROGRAM [LIBRARY...]
each_has_its_own() {
  "$@" >"$work/output" || return
  cat "$work/output"
  grep -qx "system $system_version" "$work/output" && grep -qF "running on wolfSSL $private_version," "$work/output"
}

# ---- What a large message costs --------------------------------------------------------------------------------------

# exchange COUNT PRELOADED COMMAND...: large messages there and back, by the library PRELOADED or by OpenSSL
exchange() {
  count=$1
  preloaded=$2
  shift 2
  env ${preloaded:+"LD_PRELOAD=$preloaded"} "$@" "$work/large_messages" "$RABBITMQ_CERTIFICATES/ca.pem" localhost \
    "$RABBITMQ_TLS_PORT" "$RABBITMQ_CERTIFICATES/client.pem" "$RABBITMQ_CERTIFICATES/client.key" "$count"
}

# cost_by NAME [PRELOADED]: CPU for a message, in $work/NAME; the least of five runs
cost_by() {
  for _ in 1 2 3 4 5; do
    exchange 400 "${2:-}" || return
  done >"$work/runs"
  sort -n "$work/runs" | sed 1q >"$work/$1"
}

# instructions_by NAME PRELOADED: for a message, in $work/NAME.instructions: what 30 messages take more than 10. Unlike
# times, they hardly depend on what else the machine does.
instructions_by() {
  for messages in 10 30; do
    exchange "$messages" "$2" valgrind --tool=callgrind --callgrind-out-file=/dev/null >"$work/out" 2>&1 || {
      cat "$work/out"
      return 1
    }
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/out"
  done >"$work/collected"
  awk 'NR == 1 { ten = $1 } END { print int(($1 - ten) / 20); exit NR != 2 }' "$work/collected" >"$work/$1.instructions"
}

# With AES instructions it is a seventeenth; without them the two are the same.
takes_less_than_a_third() {
  private_count=$(cat "$work/private.instructions")
  plain_count=$(cat "$work/plain.instructions")
  echo "private $private_count, plain $plain_count"
  [ "$private_count" -gt 0 ] && [ $((private_count * 3)) -lt "$plain_count" ]
}

# What valgrind shows a program may be less than the processor has.
valgrind_has_aes() {
  valgrind -q --tool=none "$work/info" 2>&1 | grep -qF 'AES by hardware'
}

# report_cost NAME: to be read, not to be judged: times are no assertions
report_cost() {
  echo "#   a message of 128 KiB there and back, CPU: $1 $(cat "$work/$1") us, OpenSSL $(cat "$work/openssl") us," \
    "ratio $(awk -v a="$(cat "$work/$1")" -v b="$(cat "$work/openssl")" 'BEGIN { printf "%.2f", a / b }')"
}

tap_check 'no wolfSSL of the system is there' has_no_system_wolfssl
tap_check 'the packages are installed' install_packages librabbitmq-wolfssl0 librabbitmq-wolfssl-compat0
tap_check 'the one for development too' install_packages librabbitmq-wolfssl-dev
tap_check "and still no wolfSSL of the system's" has_no_system_wolfssl
tap_check 'all packages have what they need' apt-get -s check
tap_check 'the library takes the wolfSSL of its package' is_private_one "$library"
tap_check 'so does the drop-in library' is_private_one "$drop_in"
tap_check 'the two have a run path, and nothing else' only_ours_have_a_run_path
tap_check 'the licence of wolfSSL is there' has_licence
tap_check 'programs link, with the shared library and with the archive' link_by_pkg_config
tap_check 'a program that prints what the library says of itself' \
  cc -o "$work/info" "$root/tests/packages/build_info.c" -lrabbitmq-wolfssl -lrabbitmq
private_version=$("$work/info" | sed -n 's/.*running on wolfSSL \([0-9.]*\).*/\1/p')
tap_check 'it says how AES is done: by hardware, where the processor has it' says_how_aes_is_done

tap_check 'a private broker starts' "$root/scripts/broker" start "$work/broker" || tap_finish
# shellcheck source=/dev/null
. "$work/broker/env"
tap_check 'a program of rabbitmq-c' cc -o "$work/large_messages" "$root/tests/packages/large_messages.c" -lrabbitmq
tap_check 'it works with OpenSSL' cost_by openssl
tap_check 'it works with the drop-in library' cost_by private "$drop_in"
report_cost private
if [ -n "$plain" ] && valgrind_has_aes; then
  comparable=yes
  tap_check 'its instructions for a large message are counted' instructions_by private "$drop_in"
else
  comparable=no
fi

tap_check "the system's wolfSSL is installed" install_packages libwolfssl-dev
tap_check 'programs are linked with both' link_with_both
system=$(basename "$(realpath "$libraries/libwolfssl.so")")
system_version=$(sed -n 's/^#define LIBWOLFSSL_VERSION_STRING "\(.*\)"/\1/p' /usr/include/wolfssl/version.h)
if nm -D "$private"/libwolfssl*.so.* | grep -qw wolfSSL_new; then
  tap_skip 'each calls its own' 'this wolfSSL has no names of its own'
else
  tap_check "linked, the system's first: each calls its own" each_has_its_own "$work/system-first"
  tap_check "linked, the system's last: each calls its own" each_has_its_own "$work/system-last"
  tap_check "opened for all, the system's first: each calls its own" \
    each_has_its_own "$work/opened" "$system" "$library"
  tap_check "opened for all, the system's last: each calls its own" \
    each_has_its_own "$work/opened" "$library" "$system"
  tap_check "messages come back with the system's preloaded" cost_by with_both "$system:$drop_in"
fi

if [ -n "$plain" ]; then
  tap_check 'the packages without a wolfSSL of their own' install_packages --allow-downgrades \
    "$plain"/librabbitmq-wolfssl*.deb
  tap_check "the library takes the system's wolfSSL" eval "ldd $library | grep 'libwolfssl.* => $libraries/libwolfssl'"
  tap_check 'nothing is left in the private folder' test ! -e "$private"
  tap_check 'the library says that AES is done without hardware' says 'AES without hardware'
  tap_check 'large messages work with it' cost_by plain "$drop_in"
  report_cost plain
  if [ "$comparable" = yes ]; then
    tap_check 'their instructions are counted' instructions_by plain "$drop_in"
    tap_check 'with its own wolfSSL a large message takes less than a third of them' takes_less_than_a_third
    echo "#   instructions for it: $(cat "$work/private.instructions"), $(cat "$work/plain.instructions") by the" \
      'packages without'
  else
    tap_skip 'a large message takes less than a third of the instructions' 'no AES instructions under valgrind'
  fi
else
  tap_skip 'the packages without a wolfSSL of their own' 'none given (--plain)'
fi
tap_finish
