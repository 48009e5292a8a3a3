#!/bin/sh
# SPDX-License-Identifier: MIT
#
# On a librabbitmq that was built without OpenSSL (scripts/build-rabbitmq-c) nothing brings OpenSSL in by a back door:
# neither libraries nor integration programs are linked with it, however far down. That it is not in the memory of a
# running program either is looked at in tests/installed.sh.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_builddir" || exit 99

if [ "$RABBITMQ_HAS_OPENSSL" = yes ]; then
  reason='librabbitmq was built with OpenSSL'
  if [ "${REQUIRE_WITHOUT_OPENSSL:-0}" = 1 ]; then
    tap_fail 'nothing is linked with OpenSSL' "$reason"
  else
    tap_skip 'nothing is linked with OpenSSL' "$reason"
  fi
  tap_finish
fi

LD_LIBRARY_PATH=$abs_top_builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# linked_with FILE: all libraries that the run-time linker would load. One that starts other programs only, as
# ways_in_test does, needs none of ours; whoever needs rabbitmq-c or one of ours must have wolfSSL.
linked_with() {
  ldd "$1" >"$work" 2>&1 || return
  cat "$work"
  ! grep -E 'not found|lib(ssl|crypto)\.so' "$work" >/dev/null || return
  ! grep -q 'librabbitmq' "$work" || grep -q 'libwolfssl[-.]' "$work"
}

work=$(mktemp "${TMPDIR:-/tmp}/without-openssl.XXXXXX") || exit 99
trap 'rm -f "$work"' EXIT
files=
[ "$ENABLE_SHARED" != yes ] || files='.libs/librabbitmq-wolfssl.so .libs/librabbitmq-wolfssl-compat.so'
for program in $INTEGRATION_PROGRAMS tests/support/ssl_client_relinked; do
  # What libtool links against libraries that are not installed is a script; the program is beside it.
  built=${program%/*}/.libs/${program##*/}
  if [ -x "$built" ]; then files="$files $built"; else files="$files $program"; fi
done
for file in $files; do
  status=0
  output=$(linked_with "$file") || status=$?
  tap_result "$file is not linked with OpenSSL" "$status" "$output"
done
tap_finish
