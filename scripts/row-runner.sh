# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What scripts/test-all, scripts/test-matrix and scripts/test-wolfssl-builds share: each has a table of rows, runs the
# project's tests once for each of them, prints a line a row, and the sum of all as the last line. Rows that are named
# as arguments, or by --only, are the only ones; --at-once N runs N of them at the same time. To be sourced by a bash
# script, which defines
#
#   rows              one row a line: its name, then words for run_row
#   usage             prints the help text
#   run_row NAME WORD...
#                     runs the row; its last line is "N passed, N failed, N skipped", and all it prints is the log
#   take_option OPTION VALUE
#                     where it has options of its own (default: none); VALUE is empty for one that takes none
#   row_note LOG      prints what else the row's line begins with (default: nothing)
#   row_done NAME LOG PASSED FAILED SKIPPED
#                     is told of each row that has run (default: nobody)
#   prepare           is called first, but not with --no-install (default: installs what is missing on this machine)
#
# and calls row_runner. These are set then:
#
#   $scripts          the folder of the scripts
#   $temporary        a folder that is removed at the end

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

take_option() { :; }
row_note() { :; }
row_done() { :; }
prepare() { "$scripts/install-dependencies"; }

die() {
  echo "scripts/${0##*/}: $*" >&2
  exit 2
}

# has_line LINES NAME: a line of that first word
has_line() {
  local first rest
  while read -r first rest; do
    [ "$first" != "$2" ] || return 0
  done <<<"$1"
  return 1
}

# take_row NAME
take_row() {
  # shellcheck disable=SC2154 # the script's
  if [ -z "$1" ] || ! has_line "$rows" "$1"; then die "there is no row \"$1\""; fi
  only+=$1$'\n'
}

# read_options LONGOPTIONS ARGUMENT...: sets only (names, one a line), logs and install
read_options() {
  local own=$1 options name
  shift
  only=
  logs=
  install=yes
  at_once=1
  options=$(getopt --name "scripts/${0##*/}" --options '' \
    --longoptions "only:,logs:,at-once:,list,no-install,help${own:+,$own}" -- "$@") || {
    usage >&2
    exit 2
  }
  eval set -- "$options"
  while [ "$1" != -- ]; do
    case $1 in
      --only) take_row "$2"; shift ;;
      --list) awk '{ print $1 }' <<<"$rows"; exit 0 ;;
      --logs) logs=$2; shift ;;
      --at-once) at_once=$2; shift ;;
      --no-install) install=no ;;
      --help) usage; exit 0 ;;
      *)
        if [[ ,$own, == *",${1#--}:,"* ]]; then
          take_option "$1" "$2"
          shift
        else
          take_option "$1" ''
        fi
        ;;
    esac
    shift
  done
  shift
  for name in "$@"; do take_row "$name"; done
  [[ $at_once =~ ^[1-9][0-9]?$ ]] || die "--at-once wants a number from 1 to 99, not \"$at_once\""
}

# report_row NAME STATUS: prints the rest of the row's line, its log if it failed, and adds its counts to the sums
report_row() {
  local log=$logs/$1.log last row_passed=0 row_failed=1 row_skipped=0
  last=$(tail -n 1 "$log")
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    row_passed=${BASH_REMATCH[1]}
    row_failed=${BASH_REMATCH[2]}
    row_skipped=${BASH_REMATCH[3]}
    if [ "$2" -ne 0 ] && [ "$row_failed" -eq 0 ]; then row_failed=1; fi
    echo "$(row_note "$log")$last"
  else
    echo "ended without a result (exit status $2)"
  fi
  passed=$((passed + row_passed))
  failed=$((failed + row_failed))
  skipped=$((skipped + row_skipped))
  row_done "$1" "$log" "$row_passed" "$row_failed" "$row_skipped"
  if [ "$row_failed" -ne 0 ]; then sed 's/^/    /' "$log"; fi
}

# Of the rows that run: their names by their process groups.
declare -A running=()

# start_row NAME WORD...: in a process group of its own, so that all of it can be ended
start_row() {
  set -m
  (run_row "$@" || exit "$?") >"$logs/$1.log" 2>&1 </dev/null &
  set +m
  running[$!]=$1
}

# Waits for one that runs, and reports it.
report_next() {
  local process status=0
  wait -n -p process "${!running[@]}" || status=$?
  printf '%-22s ' "${running[$process]}"
  report_row "${running[$process]}" "$status"
  unset "running[$process]"
}

# Keeps the exit status.
end_rows() {
  local process
  for process in "${!running[@]}"; do kill -TERM -- "-$process" 2>/dev/null || :; done
  wait
  rm -rf "$temporary"
}

# row_runner LONGOPTIONS ARGUMENT...: LONGOPTIONS, as getopt wants them, are the script's own
row_runner() {
  local name words
  read_options "$@"
  temporary=$(mktemp -d "${TMPDIR:-/tmp}/librabbitmq-wolfssl-rows.XXXXXX")
  trap end_rows EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  logs=${logs:-$temporary/logs}
  mkdir -p "$logs"
  [ "$install" = no ] || prepare

  passed=0
  failed=0
  skipped=0
  while read -r name words; do
    [ -z "$only" ] || has_line "$only" "$name" || continue
    [ "${#running[@]}" -lt "$at_once" ] || report_next
    # Words on purpose.
    # shellcheck disable=SC2086
    start_row "$name" $words
  done <<<"$rows"
  while [ "${#running[@]}" -gt 0 ]; do report_next; done

  [ $((passed + failed)) -ne 0 ] || failed=1
  echo
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}
