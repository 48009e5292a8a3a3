#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The cases of x509-limbo ($LIMBO, see tests/limbo/run --help) have the verdicts that they should have: the suite's, but
# for a committed list of differences. And the comparison does notice what it is there to notice.

set -u

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
programs=${abs_top_builddir:-$root}/tests/limbo
. "$root/tests/support/tap.sh"

suite=${LIMBO:-}
list=$root/tests/limbo/expected-differences
names='verdicts differ from the suite where the list says, and nowhere else
a difference that is not in the list is noticed
a line of the list that does not hold is noticed
a line of the list that is about another wolfSSL does not count'

skip_all() {
  printf '%s\n' "$names" | {
    while read -r name; do tap_skip "$name" "$1"; done
    tap_finish
  }
  exit
}

[ -n "$suite" ] || skip_all "\$LIMBO names no suite; tests/limbo/run --help says where there is one"
[ -x "$programs/handshakes" ] || skip_all 'handshakes is not built: OpenSSL or jansson is missing'

work=$(mktemp -d "${TMPDIR:-/tmp}/limbo-test.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

# run_limbo OPTION...
run_limbo() {
  "$root/tests/limbo/run" --limbo "$suite" --programs "$programs" "$@"
}

# complains PATTERN OPTION...: the run ends as it does when something is not as the list says, and says what
complains() {
  pattern=$1
  status=0
  shift
  run_limbo "$@" >"$work/output" 2>&1 || status=$?
  cat "$work/output"
  [ "$status" -eq 3 ] && grep -qE "$pattern" "$work/output"
}

name_of() {
  printf '%s\n' "$names" | sed -n "${1}p"
}

status=0
output=$(run_limbo 2>&1) || status=$?
printf '%s\n' "$output" | grep -E '^(TLS|took) ' | sed 's/^/# /'
tap_result "$(name_of 1)" "$status" "$output"

# Of the list any line will do, for the one missing it, for the other turned round.
known=$(sed -n 's/^\([a-z][^ ]*\) accept .*/\1/p' "$list" | head -n 1)
grep -vF "$known " "$list" >"$work/without"
tap_check "$(name_of 2)" complains "^differs, and is not in the list: $known " --expected "$work/without" \
  --only "$known"

sed "s/^$known accept /$known refuse /" "$list" >"$work/turned"
tap_check "$(name_of 3)" complains "^is in the list, and does not differ: $known .* refuse" --expected "$work/turned" \
  --only "$known"

sed "s/^$known accept /$known accept@0.1 /" "$list" >"$work/of-another"
tap_check "$(name_of 4)" complains "^differs, and is not in the list: $known " --expected "$work/of-another" \
  --only "$known"
tap_finish
