#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A process with another libwolfssl, or a function of one, that was loaded before the wolfSSL this library is linked
# with: the loader sends our calls there, and all would seem well. The other one is a copy of ours under another SONAME:
# only the loader can tell them apart. Then what must be accepted: nothing else in the process, another one that came
# later, and a program that has its own address for a function.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"

skip_all() {
  tap_skip 'another wolfSSL in the process' "$1"
  tap_finish
}
[ "$ENABLE_SHARED" = yes ] || skip_all 'no shared library was built'

work=$(mktemp -d "${TMPDIR:-/tmp}/other-wolfssl.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
ours=$abs_top_builddir/.libs/librabbitmq-wolfssl.so
ldd "$ours" >"$work/libraries"
wolfssl=$(awk '/wolfssl[^ ]*\.so/ && !/librabbitmq-wolfssl\.so/ { print $3; exit }' "$work/libraries")
rabbitmq=$(awk '/librabbitmq\.so/ { print $3; exit }' "$work/libraries")
[ -n "$wolfssl" ] || skip_all 'wolfSSL is part of the library'

# name_of FUNCTION: as the library calls it, with the prefix of a private wolfSSL
name_of() {
  $NM -D --undefined-only "$ours" | awk -v name="$1" '{ sub(/@.*/, "", $2) } $2 ~ (name "$") { print $2; exit }'
}

# compile ARGUMENT...
compile() {
  # shellcheck disable=SC2086
  $HEADER_CC -D_GNU_SOURCE -I"$abs_top_srcdir/include" $HEADER_CPPFLAGS $SANITIZER_FLAGS "$@" -ldl
}

# build_program NAME ARGUMENT...: the arguments come before the library
build_program() {
  program=$work/$1
  shift
  compile -o "$program" "$@" "$abs_top_srcdir/tests/support/runtime_report.c" -Wl,--no-as-needed \
    ${first:+"$first"} "$ours" "$rabbitmq" ${last:+"$last"} \
    -Wl,-rpath,"$work" -Wl,-rpath,"$abs_top_builddir/.libs" -Wl,-rpath,"${wolfssl%/*}" -Wl,-rpath,"${rabbitmq%/*}"
}

# is_accepted COMMAND...
is_accepted() {
  "$@" >"$work/out" 2>&1 || {
    cat "$work/out"
    return 1
  }
  has_lines "$work/out" '^runtime OK: ' '^fips [01]$' '^open CONNECT_FAILED: '
}

# is_refused PATTERN COMMAND...
is_refused() {
  sentence=$1
  shift
  "$@" >"$work/out" 2>&1 || {
    cat "$work/out"
    return 1
  }
  has_lines "$work/out" "^runtime LIBRARY_FAILED: $sentence" "^open LIBRARY_FAILED: $sentence" '^fips [03]$' \
    'AES unknown' || return
  if grep -q 'in normal mode' "$work/out"; then
    cat "$work/out"
    return 1
  fi
}

part=$work/libpart.so
soname=$(objdump -p "$wolfssl" | awk '$1 == "SONAME" { print $2 }')
other=$work/LIB${soname#lib}
real=$(basename "$wolfssl")
first=
last=

prepare() {
  LC_ALL=C sed "s/${soname}/${other##*/}/" "$wolfssl" >"$other" || return
  [ "$(objdump -p "$other" | awk '$1 == "SONAME" { print $2 }')" = "${other##*/}" ] || return
  compile -shared -fPIC -DINTERPOSED="$(name_of wolfSSL_new)" -Wl,-soname,libpart.so -o "$part" \
    "$abs_top_srcdir/tests/support/interposed_function.c" || return
  build_program plain || return
  first=$other build_program whole || return
  first=$part build_program part || return
  build_program defining -rdynamic -DINTERPOSED="$(name_of wolfSSL_new)" \
    "$abs_top_srcdir/tests/support/interposed_function.c"
}
tap_check 'libraries and programs were built' prepare || tap_finish

two="wolfSSL's functions come from two libraries, "
earlier="wolfSSL's functions come from $other, which was loaded before the wolfSSL .* needs, [^ ]*$real; let only one"
tap_check 'without another one it works' is_accepted "$work/plain"
tap_check 'another one that is loaded later does not matter' is_accepted "$work/plain" "$other"
tap_check 'another one that is linked before ours is refused' is_refused "$earlier" "$work/whole"
tap_check 'one function from elsewhere is refused' is_refused "${two}[^ ]*$real and $part, so none" "$work/part"
tap_check "one function of the program's own is refused" is_refused "${two}[^ ]*$real and $work/defining, so none" \
  "$work/defining"

# A sanitizer's library wants to be the first.
if [ -n "$SANITIZER_FLAGS" ]; then
  tap_skip 'another one that is preloaded is refused' 'built with a sanitizer'
  tap_skip 'one function that is preloaded is refused' 'built with a sanitizer'
else
  tap_check 'another one that is preloaded is refused' is_refused "$earlier" env LD_PRELOAD="$other" "$work/plain"
  tap_check 'one function that is preloaded is refused' is_refused "${two}[^ ]*$real and $part, so none" \
    env LD_PRELOAD="$part" "$work/plain"
fi

# A stub is a function that is not the program's but has an address in it. Not all processors and linkers make one.
build_with_a_stub() {
  last=$wolfssl build_program stub -O1 -no-pie -fno-pie -DADDRESSED="$function"
}
has_a_stub() {
  readelf -W --dyn-syms "$work/stub" | awk -v name="$function" '
    { sub(/@.*/, "", $8) } $8 == name && $7 == "UND" && $2 !~ /^0+$/ { found = 1 } END { exit !found }'
}
function=$(name_of wolfSSL_Init)
tap_check 'a program that is not position-independent was built' build_with_a_stub || tap_finish
if has_a_stub; then
  tap_check 'a function whose address is in such a program is no other wolfSSL' is_accepted "$work/stub"
  [ -n "$SANITIZER_FLAGS" ] ||
    tap_check 'another one is still seen there' is_refused "$earlier" env LD_PRELOAD="$other" "$work/stub"
else
  tap_skip 'a function whose address is in such a program is no other wolfSSL' 'no such address here'
fi
tap_finish
