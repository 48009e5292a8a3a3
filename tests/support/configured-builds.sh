# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For tests that configure the library anew, with this build's own options and more, and ask a program that knows none
# of that (tests/support/show_policy.c). Source tap.sh before it; $work is a temporary
# folder, with an etc for the administrator's file in it.

[ "$abs_top_srcdir" != "$abs_top_builddir" ] || {
  tap_skip 'build options' 'built inside the source tree, which can have one build only'
  tap_finish
}

work=$(mktemp -d "${TMPDIR:-/tmp}/build-options.XXXXXX") || exit 99
# clean_up: also after an interrupt
clean_up() {
  [ ! -d "$work/broker" ] || "$BROKER" stop "$work/broker" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$work/etc"
openssl req -x509 -newkey rsa:3072 -nodes -subj '/CN=Test CA' -days 2 -sha384 -keyout "$work/ca.key" \
  -out "$work/ca.pem" >"$work/openssl.log" 2>&1 || {
  cat "$work/openssl.log"
  exit 99
}

# configure FOLDER OPTION...: as this build was, but for the options; what it prints is in FOLDER/configure.out
configure() {
  folder=$work/$1
  shift
  mkdir -p "$folder"
  # The words as they were quoted for a shell. The last of two counts: distcheck's --srcdir is relative to its folder.
  eval "set -- $("$abs_top_builddir/config.status" --config) --srcdir='$abs_top_srcdir' --disable-static \
    --sysconfdir='$work/etc' --cache-file='$work/config.cache' \"\$@\""
  (cd "$folder" && "$abs_top_srcdir/configure" "$@") >"$folder/configure.out" 2>&1
}

# make_in FOLDER TARGET...: not as one of this make's jobs
make_in() {
  folder=$work/$1
  shift
  (unset MAKEFLAGS MFLAGS MAKELEVEL && make -C "$folder" -j 2 "$@") >"$folder/make.out" 2>&1 || {
    tail -n 20 "$folder/make.out"
    return 1
  }
}

# build FOLDER OPTION...
build() {
  configure "$@" || {
    tail -n 20 "$work/$1/configure.out"
    return 1
  }
  make_in "$1" librabbitmq-wolfssl.la tests/support/show_policy
}

# shows FOLDER PATTERN...: the program prints a line for each
shows() {
  folder=$work/$1
  shift
  "$folder/tests/support/show_policy" "$work/ca.pem" >"$folder/shown" 2>&1 || {
    cat "$folder/shown"
    return 1
  }
  has_lines "$folder/shown" "$@"
}

# is_refused FOLDER PATTERN OPTION...: configure stops, and says why
is_refused() {
  refused=$1
  pattern=$2
  shift 2
  if configure "$refused" "$@"; then
    echo 'configure took it'
    return 1
  fi
  has_lines "$work/$refused/configure.out" "$pattern"
}
