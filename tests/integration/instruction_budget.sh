#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Holds the instructions of a small message under the committed budget, so that a change can't lose unnoticed what
# coalescing and reading ahead gain: a record and a system call a frame would cost twice as much. Counted by callgrind,
# which repeats; times would not.

set -u

root=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
programs=${abs_top_builddir:-$root}/bench
. "$root/tests/support/tap.sh"

cases=$(sed -n 's/^\([a-z][a-z-]*\) [0-9][0-9]* [0-9][0-9]*$/\1/p' "$root/bench/instruction-budget")
if [ -z "$cases" ]; then
  tap_fail 'the budget names cases'
  tap_finish
fi

status=0
output=$("$root/bench/measure-instructions" --programs "$programs" --check 2>&1) || status=$?

if [ "$status" -eq 77 ]; then
  for case in $cases; do
    tap_skip "$case stays within its budget of instructions" "$output"
  done
  tap_finish
fi
printf '%s\n' "$output" | sed 's/^/# /'
for case in $cases; do
  result=0
  # It was measured, and nothing was said of it being above.
  printf '%s\n' "$output" | grep -qE "^$case [0-9]+ [0-9]+\$" || result=1
  ! printf '%s\n' "$output" | grep -q "^over the budget: $case:" || result=1
  tap_result "$case stays within its budget of instructions" "$result" "$output"
done
result=0
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || result=1
tap_result 'the measurement came to its end' "$result" "$output"
tap_finish
