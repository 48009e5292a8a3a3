#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the README's examples as they are written there, in their order and in one shell, against the installed tree and
# a private broker: the blocks after a line <!-- run -->. The reader's home is a folder in which the library is
# installed where the README installs it. `make installcheck` runs it.
#
# Environment, besides that of all tests: INSTALLED_LIBDIR, DEPENDENCIES_PKG_CONFIG, DESTDIR; see tests/installed.sh.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"
readme=$abs_top_srcdir/README.md

skip_all() {
  tap_skip "the README's examples" "$1"
  tap_finish
}
[ -z "${DESTDIR:-}" ] || skip_all 'DESTDIR is set: the files are not where their .pc files say'
[ "$ENABLE_SHARED" = yes ] || skip_all 'no shared library was built'
[ -z "${DEPENDENCIES_PKG_CONFIG:-}" ] || skip_all 'the README knows nothing of dependencies in folders of their own'
[ -z "${SANITIZER_FLAGS:-}" ] || skip_all 'the README knows nothing of sanitizers'
[ "$RABBITMQ_HAS_OPENSSL" = yes ] || skip_all 'this librabbitmq has no TLS socket that could be replaced'
if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_missing_peer "the README's examples" rabbitmq-server
  tap_finish
fi
if ! command -v amqp-publish >/dev/null; then
  tap_missing_peer "the README's examples" amqp-tools
  tap_finish
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/readme-examples.XXXXXX") || exit 99
clean_up() {
  for folder in "$work"/temporary/*; do
    [ ! -d "$folder" ] || "$BROKER" stop "$folder" >/dev/null 2>&1
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The tree as the reader has it, but for what the examples leave in it.
mkdir "$work/tree" "$work/home" "$work/temporary" || exit 99
for entry in "$abs_top_srcdir"/*; do
  ln -s "$entry" "$work/tree/" || exit 99
done
ln -s "$(dirname "$INSTALLED_LIBDIR")" "$work/home/amqp-wolfssl" || exit 99

# The broker's user has to get through to the reader's temporary folder, as to everybody's.
chmod o+x "$work" "$work/temporary"

# Blocks are indented by four columns.
awk '
  /^<!-- run -->$/ { wanted = 1; next }
  wanted && /^    / { inside = 1; print substr($0, 5); next }
  inside && /^$/ { print "" }
  inside && /^[^ ]/ { inside = 0; wanted = 0 }' "$readme" >"$work/examples"

# What compiles or preloads is an example: none may be left out.
awk '
  /^<!-- run -->$/ { wanted = 1; next }
  /^    / { if (!wanted && /^    (cc |LD_PRELOAD=)/) print FILENAME ": not run: " $0; inside = wanted; next }
  inside && /^[^ ]/ { inside = 0; wanted = 0 }' "$readme" >"$work/left-out"
tap_check 'every example that compiles or preloads is run' test ! -s "$work/left-out"
cat "$work/left-out"

# Nothing of this test's own environment, which knows where the build is.
(
  cd "$work/tree" || exit
  exec env -i PATH="$PATH" HOME="$work/home" TMPDIR="$work/temporary" LANG=C.UTF-8 timeout 200 sh -eux "$work/examples"
) >"$work/output" 2>&1
status=$?
tap_result 'all of them succeed' "$status" "$(cat "$work/output")"
sed 's/^/# /' "$work/output"

count() {
  grep -cE "$1" "$work/output"
}
tap_check 'the program of its own prints the suite' has_lines "$work/output" '^TLS_AES_(128|256)_GCM_SHA(256|384)$'
tap_check 'the relinked program and the preloaded one are connected by wolfSSL' \
  test "$(count '^librabbitmq-wolfssl: connected to localhost port [0-9]+ .*, verified\) by TLSv1\.3, ')" -eq 2
tap_check 'the relinked program does its work' has_lines "$work/output" '^done$'
tap_check 'the broker is stopped' test "$(count '^\+ scripts/broker stop ')" -eq 1
tap_finish
