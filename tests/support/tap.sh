# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# TAP for tests in shell. Source it, call tap_result or one of the others for each case, and tap_finish at the end.
# A script that ends before tap_finish prints no plan, which counts as a failure.

tap_cases=0
tap_failures=0

# tap_pass NAME
tap_pass() {
  tap_cases=$((tap_cases + 1))
  printf 'ok %d - %s\n' "$tap_cases" "$1"
}

# tap_fail NAME [DETAILS]: the details may be several lines
tap_fail() {
  tap_cases=$((tap_cases + 1))
  tap_failures=$((tap_failures + 1))
  printf 'not ok %d - %s\n' "$tap_cases" "$1"
  if [ -n "${2:-}" ]; then
    printf '%s\n' "$2" | sed 's/^/#   /'
  fi
}

# tap_result NAME STATUS [DETAILS]: passes when STATUS is 0
tap_result() {
  if [ "$2" -eq 0 ]; then
    tap_pass "$1"
  else
    tap_fail "$1" "${3:-}"
  fi
}

# tap_check NAME COMMAND...: a case that passes when the command does, in a shell of its own; else the end of what it
# printed is shown. Through a file: a server it leaves behind would keep a pipe open.
tap_check() {
  tap_name=$1
  shift
  tap_status=0
  tap_log=$(mktemp "${TMPDIR:-/tmp}/tap.XXXXXX") || exit 99
  ("$@") >"$tap_log" 2>&1 || tap_status=$?
  tap_result "$tap_name" "$tap_status" "$(tail -n 40 "$tap_log")"
  rm -f "$tap_log"
  return "$tap_status"
}

# has_lines FILE PATTERN...: each is matched by a line
has_lines() {
  tap_file=$1
  shift
  for tap_pattern in "$@"; do
    grep -qE "$tap_pattern" "$tap_file" || {
      echo "no line matches $tap_pattern in:"
      cat "$tap_file"
      return 1
    }
  done
}

# tap_skip NAME REASON
tap_skip() {
  tap_cases=$((tap_cases + 1))
  printf 'ok %d - %s # SKIP %s\n' "$tap_cases" "$1" "$2"
}

# tap_missing_peer NAME PROGRAM: a skip here, a failure where REQUIRE_PEERS=1
tap_missing_peer() {
  tap_skip "$1" "missing peer: $2"
}

# tap_finish: prints the plan and exits, with 1 when a case failed
tap_finish() {
  printf '1..%d\n' "$tap_cases"
  [ "$tap_failures" -eq 0 ]
  exit
}
