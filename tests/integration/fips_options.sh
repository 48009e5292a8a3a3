#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What --with-fips makes of the library, with a wolfSSL that has no FIPS module, and with the test doubles of modules
# for FIPS 140-3 and FIPS 140-2 (scripts/build-wolfssl; none is a FIPS module).

set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/support/configured-builds.sh"

# compiles_not FOLDER DEFINE PATTERN: fips_module.c stops the build, and says why
compiles_not() {
  object=src/backend/librabbitmq_wolfssl_core_la-fips_module.lo
  if (unset MAKEFLAGS MFLAGS MAKELEVEL && rm -f "$work/$1/$object" &&
    make -C "$work/$1" CPPFLAGS="-D$2" "$object") >"$work/$1/compiled.out" 2>&1; then
    echo 'it was compiled'
    return 1
  fi
  has_lines "$work/$1/compiled.out" "$3"
}

# with_module HOW COMMAND...: the test double is steered. tap_check's shell ends with the command.
with_module() {
  FIPS_TEST_DOUBLE=$1
  export FIPS_TEST_DOUBLE
  shift
  "$@"
}

# make_stand_in FOLDER PATTERN: a library in place of wolfSSL's, with all its names but those that match. Nothing of it
# is ever called.
make_stand_in() {
  mkdir -p "$work/$1" || return
  wolfssl=$(ldd "$work/required/.libs/librabbitmq-wolfssl.so" | sed -n 's/.*=> \(.*libwolfssl[-.][^ ]*\) .*/\1/p')
  [ -n "$wolfssl" ] || return
  name=${wolfssl##*/}
  "$NM" -D --defined-only "$wolfssl" | awk '{ print $NF }' | grep -vE "$2" | sort -u |
    sed 's/.*/void &(void) {}/' >"$work/$1/stand_in.c"
  ${CC:-cc} -shared -fPIC -fno-builtin -w -Wl,-soname,"$name" -o "$work/$1/$name" "$work/$1/stand_in.c"
}

# on_stand_in FOLDER: the program, told too little to do anything but to say how it is used
on_stand_in() {
  LD_LIBRARY_PATH=$work/$1:$work/required/.libs LD_BIND_NOW="" "$work/required/tests/support/.libs/show_policy"
}

# A wolfSSL of the same name that lacks the module has none of the functions that end in _fips.
does_not_start_without_the_module() {
  make_stand_in whole '^$' && make_stand_in without '_fips$' || return
  on_stand_in whole >"$work/whole.out" 2>&1
  has_lines "$work/whole.out" '^usage: show_policy' || return
  if on_stand_in without >"$work/without.out" 2>&1; then return 1; fi
  has_lines "$work/without.out" 'undefined symbol: .*_fips$'
}

# in_error OPTION...: configure refuses a module in error, whatever its version
in_error() {
  with_module integrity is_refused broken "^configure: error: $1, but the FIPS module of wolfSSL .* is in error" "$1"
}

historical='is "test double of v4.6.2, not a FIPS module" .FIPS 140-2., .* historical since 2026-09-21'

tap_check 'a word that --with-fips does not take' is_refused none \
  'with-fips is required, required-140-2, auto or no, not "maybe"' --with-fips=maybe
tap_check 'auto takes any wolfSSL' configure auto --with-fips=auto

case $(sed -n 's/^    FIPS module  *//p' "$work/auto/configure.out") in
  no)
    tap_check 'required: configure refuses a wolfSSL without the module' is_refused required \
      'with-fips=required, but wolfSSL .* was built without the' --with-fips=required
    tap_check 'required-140-2: so it does' is_refused required \
      'with-fips=required-140-2, but wolfSSL .* was built without the' --with-fips=required-140-2
    tap_check 'required: so do the sources' compiles_not auto FIPS_REQUIRED \
      'error: .*--with-fips=required, but these headers'
    ;;
  *'(FIPS 140-3), in normal mode')
    tap_check 'no: configure refuses a wolfSSL with the module' is_refused no \
      'with-fips=no, but wolfSSL .* was built with the' --with-fips=no
    tap_check 'no: so do the sources' compiles_not auto FIPS_REFUSED 'error: .*--with-fips=no, but these headers'
    tap_check 'a build that requires the module' build required --with-fips=required
    tap_check 'required: the program is told' shows required '^build .*, FIPS module \(required\), ' \
      '^build .*, FIPS module "test double of v5[.0-9]*, not a FIPS module" \(FIPS 140-3\) in normal mode' \
      '^runtime OK$' '^fips FIPS 140-3$' '^open CONNECT_FAILED '
    tap_check 'required: nothing opens with a module in error' with_module integrity shows required \
      '^runtime FIPS_MODULE$' '^open FIPS_MODULE .*integrity'
    tap_check 'required: nor with an older one than at build time' with_module 'version=v4.6.2' shows required \
      '^build .*FIPS module "v4.6.2" \(FIPS 140-2\) refused' '^runtime FIPS_MODULE$' '^fips FIPS 140-2$' \
      '^open FIPS_MODULE .*not one of version 5 or later.* reports "v4.6.2"'
    tap_check 'required: nor with one of which nobody knows how old it is' with_module 'version=FIPS 140-3' shows \
      required '^build .*FIPS module "FIPS 140-3" \(unknown standard\) refused' '^runtime FIPS_MODULE$' '^fips $' \
      '^open FIPS_MODULE '
    tap_check 'required: but with a newer one' with_module 'version=v7.0.1' shows required '^runtime OK$' \
      '^fips FIPS 140-3$' '^open CONNECT_FAILED '
    tap_check 'required: a program does not start on a wolfSSL without the module' does_not_start_without_the_module
    tap_check 'required: configure refuses a module in error' in_error --with-fips=required
    tap_check 'required: configure refuses an older module under newer headers' with_module 'version=v4.6.2' \
      is_refused older 'is "v4.6.2" .FIPS 140-2., and its headers are of one for FIPS 140-3: yes' --with-fips=required
    tap_check 'required-140-2: configure refuses a module in error' in_error --with-fips=required-140-2
    tap_check 'required-140-2: a newer module will do' configure either --with-fips=required-140-2
    ;;
  *'(FIPS 140-2), in normal mode')
    tap_check 'required: configure refuses the older module by its name' is_refused required "$historical" \
      --with-fips=required
    tap_check 'required: it refuses older headers, whatever the module says' with_module 'version=v5.2.1' is_refused \
      headers 'is "v5.2.1" .FIPS 140-3., and its headers are of one for FIPS 140-3: no' --with-fips=required
    tap_check 'required: so do the sources' compiles_not auto 'FIPS_REQUIRED -DFIPS_LEAST_VERSION=5' \
      'error: .*--with-fips=required, but these headers are of a FIPS module for FIPS 140-2'
    tap_check 'required-140-2: a build' build required --with-fips=required-140-2
    tap_check 'required-140-2: the program is told' shows required \
      '^build .*, FIPS module \(required, of 140-2 too\), .*"test double of v4[^"]*" \(FIPS 140-2\) in normal mode' \
      '^runtime OK$' '^fips FIPS 140-2$' '^open CONNECT_FAILED '
    tap_check 'required-140-2: nothing opens with a module in error' with_module integrity shows required \
      '^runtime FIPS_MODULE$' '^open FIPS_MODULE .*integrity'
    tap_check 'required-140-2: configure refuses a module in error' in_error --with-fips=required-140-2
    tap_check 'required-140-2: a program does not start on a wolfSSL without the module' \
      does_not_start_without_the_module
    ;;
  *) tap_check "what configure says of the module" false ;;
esac
tap_finish
