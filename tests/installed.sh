#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the consumer package of tests/consumers, as an application's own, against the installed tree: by Autotools with
# the installed macro, by CMake, by Meson and by cc alone, each with nothing but pkg-config. `make installcheck` runs
# it.
#
# Environment, besides that of all tests:
#   INSTALLED_LIBDIR, INSTALLED_PKG_CONFIG, INSTALLED_ACLOCAL
#                              folders of the installed tree
#   CONSUMER_CC, CONSUMER_CPPFLAGS, CONSUMER_CFLAGS, CONSUMER_LDFLAGS
#                              what to build with
#   DEPENDENCIES_PKG_CONFIG    folders of .pc files outside the system's, each after a colon
#   RABBITMQ_HAS_OPENSSL       yes or no: the librabbitmq that the library was built with
#   RABBITMQ_WITHOUT_OPENSSL   the prefix of a librabbitmq that has no OpenSSL (scripts/build-rabbitmq-c), or empty
#   RABBITMQ_WITH_COMPAT       the prefix of a librabbitmq that has the drop-in library in OpenSSL's place (the same
#                              script's --with-compat), or empty
#   REQUIRE_WITHOUT_OPENSSL    1: without such a librabbitmq the tests fail instead of being skipped
#   DESTDIR                    nothing can be tested when it is set: the .pc files name folders without it

set -u
. "$abs_top_srcdir/tests/support/tap.sh"

skip_all() {
  tap_skip 'the installed tree' "$1"
  tap_finish
}
[ -z "${DESTDIR:-}" ] || skip_all 'DESTDIR is set: the files are not where their .pc files say'
[ "$ENABLE_SHARED" = yes ] || skip_all 'no shared library was built'

consumers=$abs_top_srcdir/tests/consumers
work=$(mktemp -d "$abs_top_builddir/tests/installed.XXXXXX") || exit 99
broker_folder=
clean_up() {
  if [ -n "$broker_folder" ]; then
    "$BROKER" stop "$broker_folder" >/dev/null 2>&1
    rm -rf "$broker_folder"
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# In TMPDIR, where the broker's user can reach it.
broker_folder=$(mktemp -d "${TMPDIR:-/tmp}/installed-broker.XXXXXX") || exit 99

CC=$CONSUMER_CC
CPPFLAGS=$CONSUMER_CPPFLAGS
CFLAGS=$CONSUMER_CFLAGS
LDFLAGS=$CONSUMER_LDFLAGS
export CC CPPFLAGS CFLAGS LDFLAGS
PKG_CONFIG_PATH=$INSTALLED_PKG_CONFIG${DEPENDENCIES_PKG_CONFIG:-}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
ACLOCAL_PATH=$INSTALLED_ACLOCAL${ACLOCAL_PATH:+:$ACLOCAL_PATH}
export PKG_CONFIG_PATH ACLOCAL_PATH
unset AMQP_TLS_CFLAGS AMQP_TLS_LIBS

# The folders of libraries beside those of .pc files.
libraries=$(echo "${DEPENDENCIES_PKG_CONFIG:-}" | sed -e 's|/pkgconfig\(:\|$\)|\1|g')
LD_LIBRARY_PATH=$INSTALLED_LIBDIR$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

has() {
  command -v "$1" >/dev/null
}

# ---- What built programs are asked ----

wolfssl_libraries='lib(rabbitmq-)?wolfssl[^/]*\.so'
openssl_libraries='lib(ssl|crypto)\.so'

# consumer PROGRAM: with the broker, where there is one. By name: rabbitmq-c with OpenSSL knows no addresses in
# certificates.
consumer() {
  if [ -n "$broker" ]; then
    "$1" "$certificates/bundle.pem" localhost "$RABBITMQ_TLS_PORT" "$certificates/client.pem" \
      "$certificates/client.key"
  else
    "$1" "$certificates/bundle.pem"
  fi
}

# lacks FILE PATTERN: no line matches
lacks() {
  if grep -E "$2" "$1"; then
    echo "these should not be there ($2)"
    return 1
  fi
}

# runs_on PROVIDER PROGRAM: TLS comes from it, and a connection is made where there is a broker
runs_on() {
  consumer "$2" >"$work/output" || return
  cat "$work/output"
  case $1 in
    wolfssl) has_lines "$work/output" '^tls wolfssl$' "^provider $INSTALLED_LIBDIR/librabbitmq-wolfssl-compat\\.so" \
      "^mapped $INSTALLED_LIBDIR/librabbitmq-wolfssl\\.so" '^mapped /.*/libwolfssl[-.]' || return ;;
    openssl) has_lines "$work/output" '^tls openssl$' '^provider /.*/librabbitmq\.so' '^mapped /.*/libssl\.so' &&
      lacks "$work/output" "$wolfssl_libraries" || return ;;
  esac
  [ -z "$broker" ] || has_lines "$work/output" '^connected$'
}

# has_no PATTERN PROGRAM: neither what it is linked with nor what is mapped when it runs
has_no() {
  ldd "$2" >"$work/ldd" && cat "$work/ldd" && lacks "$work/ldd" "$1" && ! grep 'not found' "$work/ldd"
}
never_maps_openssl() {
  has_no "$openssl_libraries" "$1" && runs_on wolfssl "$1" && lacks "$work/output" "$openssl_libraries"
}

# ---- A broker and certificates ----

broker=
certificates=$broker_folder/certificates
if ! tap_check 'certificates are minted' "$MINT_CERTIFICATES" "$certificates"; then
  tap_finish
fi
if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  if tap_check 'a broker starts' "$BROKER" start "$broker_folder" --certificates "$certificates"; then
    # shellcheck source=/dev/null
    . "$broker_folder/env"
    broker=yes
  fi
else
  tap_missing_peer 'a broker starts' rabbitmq-server
fi

# ---- cc ----

cc_native() {
  flags=$(pkg-config --cflags --libs librabbitmq-wolfssl) || return
  # Words on purpose.
  # shellcheck disable=SC2086
  $CC $CPPFLAGS $CFLAGS -o "$work/native" "$consumers/native.c" $LDFLAGS $flags && "$work/native"
}
cc_consumer() {
  flags=$(pkg-config --cflags --libs librabbitmq-wolfssl-compat) || return
  # shellcheck disable=SC2086
  $CC $CPPFLAGS $CFLAGS -DAMQP_TLS_WOLFSSL=1 -o "$work/consumer" "$consumers/consumer.c" $LDFLAGS $flags &&
    runs_on wolfssl "$work/consumer"
}
# As docs/failover.md has it: the examples where a package puts them, and pkg-config.
cc_resilient() {
  flags=$(pkg-config --cflags --libs librabbitmq-wolfssl) || return
  for name in publisher consumer; do
    # shellcheck disable=SC2086
    (cd "$abs_top_srcdir/examples" && $CC $CPPFLAGS $CFLAGS "resilient_$name.c" resilient_connection.c \
      resilient_options.c -o "$work/resilient_$name" $LDFLAGS $flags) && "$work/resilient_$name" --help || return
    [ -z "$broker" ] || "$work/resilient_$name" --hosts "localhost:$RABBITMQ_TLS_PORT" \
      --ca "$certificates/bundle.pem" --certificate "$certificates/client.pem" --key "$certificates/client.key" \
      --count 10 >"$work/output" || return
  done
  [ -z "$broker" ] || has_lines "$work/output" '^10 messages, 0 duplicates dropped; 1 connections$'
}
tap_check 'cc: a program of the native interface' cc_native
tap_check 'cc: the resilient examples' cc_resilient
tap_check 'cc: a program of the OpenSSL names runs on wolfSSL' cc_consumer

# How distributions and some applications build. with_options OPTIONS COMMAND...
with_options() {
  CFLAGS="$CFLAGS $1"
  LDFLAGS="$1 $LDFLAGS"
  shift
  "$@"
}
cc_any() {
  # shellcheck disable=SC2086
  echo 'int main(void) { return 0; }' | $CC $CPPFLAGS $CFLAGS -x c -o "$work/any" - $LDFLAGS
}
for options in -Wl,--as-needed -Wl,-Bsymbolic '-O2 -flto'; do
  if (with_options "$options" cc_any) >/dev/null 2>&1; then
    tap_check "cc $options: a program of the native interface" with_options "$options" cc_native
    tap_check "cc $options: a program of the OpenSSL names runs on wolfSSL" with_options "$options" cc_consumer
  else
    tap_skip "cc $options" 'this compiler, or its linker, does not know these options'
  fi
done

# A C++ compiler gives functions other names, unless the header says that they are C's.
cxx_native() {
  CC=$1
  CFLAGS="$CFLAGS -x c++ -std=c++17 -pedantic -Wall -Wextra -Werror"
  flags=$(pkg-config --cflags --libs librabbitmq-wolfssl) || return
  # shellcheck disable=SC2086
  $CC $CPPFLAGS $CFLAGS -o "$work/native-cxx" "$consumers/native.c" -x none $LDFLAGS $flags && "$work/native-cxx"
}
# Of the same family: it takes the same options.
case $CONSUMER_CC in
  *clang*) cxx=clang++ ;;
  *) cxx=g++ ;;
esac
if has "$cxx"; then
  tap_check 'C++: a program of the native interface' cxx_native "$cxx"
else
  tap_skip 'C++: a program of the native interface' "there is no $cxx"
fi

# ---- Autotools ----

# A copy: the source tree may be read-only.
regenerate() {
  cp -R "$consumers" "$work/autotools" && chmod -R u+w "$work/autotools" && cd "$work/autotools" &&
    autoreconf --install --warnings=all,error
}

# configure_in NAME OPTION...: in a folder of that name, where the shell is afterwards
configure_in() {
  folder=$work/$1
  shift
  mkdir -p "$folder" && cd "$folder" && "$work/autotools/configure" "$@"
}

# chosen NAME PROVIDER OPTION...: configure, make, run
chosen() {
  name=$1
  provider=$2
  shift 2
  configure_in "$name" "$@" && make && runs_on "$provider" "$work/$name/consumer"
}

# refused NAME TEXT OPTION...: configure ends with an error that says TEXT, and leaves nothing to build with
refused() {
  name=$1
  text=$2
  shift 2
  if configure_in "$name" "$@" >"$work/configure.log" 2>&1; then
    cat "$work/configure.log"
    echo 'configure took it'
    return 1
  fi
  cat "$work/configure.log"
  grep -qF "configure: error: $text" "$work/configure.log" || {
    echo "the error is not \"$text\""
    return 1
  }
  [ ! -e "$work/$name/Makefile" ]
}

# All modules that pkg-config finds by itself or by PKG_CONFIG_PATH, but for ours.
hide_ours() {
  mkdir "$work/hidden" || return
  echo "$PKG_CONFIG_PATH:$(pkg-config --variable=pc_path pkg-config)" | tr ':' '\n' >"$work/folders"
  while read -r folder; do
    for module in "$folder"/*.pc; do
      case $module in
        */librabbitmq-wolfssl*.pc | *'/*.pc') ;;
        *) [ -e "$work/hidden/${module##*/}" ] || ln -s "$module" "$work/hidden/" || return ;;
      esac
    done
  done <"$work/folders"
  # The rest is still there to fall back on.
  PKG_CONFIG_LIBDIR=$work/hidden PKG_CONFIG_PATH='' pkg-config --cflags --libs librabbitmq
}

default_is_no() {
  mkdir "$work/default" && cd "$work/default" &&
    printf '%s\n' 'AC_INIT([default], [1])' 'AC_PROG_CC' 'AMQP_WITH_TLS([no])' 'AC_OUTPUT' \
      'AS_ECHO(["chosen: $AMQP_TLS"])' >configure.ac &&
    aclocal && autoconf && ./configure >"$work/output" &&
    cat "$work/output" && grep -qx 'chosen: no' "$work/output" && ./configure --help | grep -F 'default: no'
}

wrong_default() {
  mkdir "$work/wrong" && cd "$work/wrong" &&
    printf '%s\n' 'AC_INIT([wrong], [1])' 'AC_PROG_CC' 'AMQP_WITH_TLS([gnutls])' 'AC_OUTPUT' >configure.ac &&
    ! aclocal >"$work/output" 2>&1 && cat "$work/output" &&
    grep -q 'the default is wolfssl, openssl or no, not "gnutls"' "$work/output"
}

uses_no_tls() {
  configure_in no --with-amqp-tls=no && make && "$work/no/consumer" - &&
    readelf -d "$work/no/consumer" >"$work/dynamic" && grep 'NEEDED' "$work/dynamic" &&
    lacks "$work/dynamic" "$wolfssl_libraries|$openssl_libraries" &&
    has_no "$wolfssl_libraries" "$work/no/consumer" && [ ! -e "$work/no/native" ]
}

test_autotools() {
  tap_check 'the macro is installed' test -f "$INSTALLED_ACLOCAL/amqp-tls.m4"
  tap_check 'Autotools: the installed macro is found' regenerate || return
  tap_check 'Autotools: wolfSSL by default' chosen by-default wolfssl
  tap_check 'Autotools: a program of the native interface' "$work/by-default/native"
  tap_check 'Autotools: --with-amqp-tls=wolfssl' chosen wolfssl wolfssl --with-amqp-tls=wolfssl
  tap_check 'Autotools: --with-amqp-tls=no needs no TLS' uses_no_tls
  if [ "$RABBITMQ_HAS_OPENSSL" = yes ]; then
    tap_check 'Autotools: --with-amqp-tls=openssl' chosen openssl openssl --with-amqp-tls=openssl
  else
    tap_check 'Autotools: --with-amqp-tls=openssl on a librabbitmq without it is an error' refused openssl \
      '--with-amqp-tls=openssl: pkg-config knows librabbitmq, but' --with-amqp-tls=openssl
  fi
  tap_check 'Autotools: a word that is none is an error' refused nonsense \
    '--with-amqp-tls is wolfssl, openssl or no, not "gnutls"' --with-amqp-tls=gnutls
  tap_check 'Autotools: no word is an error' refused yes \
    '--with-amqp-tls is wolfssl, openssl or no, not "yes"' --with-amqp-tls
  tap_check 'Autotools: the default can be another' default_is_no
  tap_check 'Autotools: a default that is none is an error' wrong_default

  tap_check 'the library can be hidden from pkg-config' hide_ours || return
  tap_check 'Autotools: wolfSSL was chosen and is not there' refused absent \
    '--with-amqp-tls=wolfssl needs librabbitmq-wolfssl-compat' --with-amqp-tls=wolfssl \
    PKG_CONFIG_LIBDIR="$work/hidden" PKG_CONFIG_PATH=
  tap_check 'Autotools: wolfSSL is the default and is not there' refused absent-default \
    '--with-amqp-tls=wolfssl needs librabbitmq-wolfssl-compat' PKG_CONFIG_LIBDIR="$work/hidden" PKG_CONFIG_PATH=
  mkdir "$work/empty"
  for choice in wolfssl openssl no; do
    tap_check "Autotools: no librabbitmq for --with-amqp-tls=$choice" refused "nothing-$choice" \
      "--with-amqp-tls=$choice needs librabbitmq" --with-amqp-tls="$choice" \
      PKG_CONFIG_LIBDIR="$work/empty" PKG_CONFIG_PATH=
  done
  both='-lrabbitmq -lrabbitmq-wolfssl-compat'
  tap_check 'Autotools: librabbitmq before ours is an error' refused order \
    "--with-amqp-tls=wolfssl, but AMQP_TLS_LIBS ($both)" AMQP_TLS_CFLAGS=-I. AMQP_TLS_LIBS="$both"
  tap_check 'Autotools: librabbitmq alone for wolfSSL is an error' refused alone \
    '--with-amqp-tls=wolfssl, but AMQP_TLS_LIBS (-lrabbitmq)' AMQP_TLS_CFLAGS=-I. AMQP_TLS_LIBS=-lrabbitmq
}
if has autoreconf; then
  test_autotools
else
  tap_missing_peer 'Autotools' autoreconf
fi

# ---- CMake and Meson ----

test_cmake() {
  tap_check 'CMake: builds' build_with_cmake || return
  tap_check 'CMake: a program of the OpenSSL names runs on wolfSSL' runs_on wolfssl "$work/cmake/consumer"
  tap_check 'CMake: a program of the native interface' "$work/cmake/native"
}
build_with_cmake() {
  cmake -S "$consumers" -B "$work/cmake" && cmake --build "$work/cmake"
}
if has cmake; then
  test_cmake
else
  tap_missing_peer 'CMake' cmake
fi

# Sanitizers leave symbols undefined in libraries, which Meson forbids by default.
build_with_meson() {
  meson setup -Db_lundef=false "$work/meson" "$consumers" && ninja -C "$work/meson"
}
test_meson() {
  tap_check 'Meson: builds' build_with_meson || return
  tap_check 'Meson: a program of the OpenSSL names runs on wolfSSL' runs_on wolfssl "$work/meson/consumer"
  tap_check 'Meson: a program of the native interface' "$work/meson/native"
}
if has meson && has ninja; then
  test_meson
else
  tap_missing_peer 'Meson' 'meson and ninja'
fi

# ---- A librabbitmq that was built without OpenSSL ----

without_openssl() {
  PKG_CONFIG_PATH=$RABBITMQ_WITHOUT_OPENSSL/lib/pkgconfig:$PKG_CONFIG_PATH
  LD_LIBRARY_PATH=$RABBITMQ_WITHOUT_OPENSSL/lib:$LD_LIBRARY_PATH
  configure_in without-openssl && make && never_maps_openssl "$work/without-openssl/consumer" &&
    has_lines "$work/output" "^mapped $RABBITMQ_WITHOUT_OPENSSL/lib/librabbitmq\\.so"
}
no_tls_without_openssl() {
  PKG_CONFIG_PATH=$RABBITMQ_WITHOUT_OPENSSL/lib/pkgconfig:$PKG_CONFIG_PATH
  LD_LIBRARY_PATH=$RABBITMQ_WITHOUT_OPENSSL/lib:$LD_LIBRARY_PATH
  configure_in no-tls-without-openssl --with-amqp-tls=no && make &&
    has_no "$wolfssl_libraries|$openssl_libraries" "$work/no-tls-without-openssl/consumer"
}
openssl_without_openssl() {
  PKG_CONFIG_PATH=$RABBITMQ_WITHOUT_OPENSSL/lib/pkgconfig:$PKG_CONFIG_PATH
  refused openssl-without-openssl '--with-amqp-tls=openssl: pkg-config knows librabbitmq, but' --with-amqp-tls=openssl
}
if [ -n "${RABBITMQ_WITHOUT_OPENSSL:-}" ] && has autoreconf; then
  tap_check 'without OpenSSL: it is not linked, not mapped, and not missed' without_openssl
  tap_check 'without OpenSSL: with --with-amqp-tls=no there is no TLS library at all' no_tls_without_openssl
  tap_check 'without OpenSSL: --with-amqp-tls=openssl is an error' openssl_without_openssl
elif [ "${REQUIRE_WITHOUT_OPENSSL:-0}" = 1 ]; then
  tap_fail 'without OpenSSL' 'RABBITMQ_WITHOUT_OPENSSL is not set'
else
  tap_skip 'without OpenSSL' 'RABBITMQ_WITHOUT_OPENSSL names no librabbitmq (scripts/build-rabbitmq-c makes one)'
fi

# ---- A librabbitmq that needs the drop-in library, in place of the one that a program was linked with ----

exported() {
  nm -D --defined-only "$@" | sed -n 's/.* \([A-Za-z_][A-Za-z0-9_]*\)\(@.*\)\{0,1\}$/\1/p' | LC_ALL=C sort -u
}
link_with_openssl() {
  flags=$(pkg-config --cflags --libs librabbitmq) || return
  # shellcheck disable=SC2086
  $CC $CPPFLAGS $CFLAGS -DAMQP_TLS_OPENSSL=1 -o "$work/unchanged" "$consumers/consumer.c" $LDFLAGS $flags &&
    runs_on openssl "$work/unchanged"
}
replaced_under_it() {
  LD_LIBRARY_PATH=$RABBITMQ_WITH_COMPAT/lib$libraries
  consumer "$work/unchanged" >"$work/output" || return
  cat "$work/output"
  has_lines "$work/output" "^provider $INSTALLED_LIBDIR/librabbitmq-wolfssl-compat\\.so" \
    "^mapped $RABBITMQ_WITH_COMPAT/lib/librabbitmq\\.so" '^mapped /.*/libwolfssl[-.]' &&
    lacks "$work/output" "$openssl_libraries" || return
  [ -z "$broker" ] || has_lines "$work/output" '^connected$'
}
all_functions_are_there() {
  exported "$(pkg-config --variable=libdir librabbitmq)/librabbitmq.so" >"$work/functions" &&
    exported "$RABBITMQ_WITH_COMPAT/lib/librabbitmq.so" "$INSTALLED_LIBDIR/librabbitmq-wolfssl-compat.so" \
      >"$work/replaced" && grep -qx amqp_ssl_socket_new "$work/functions" || return
  LC_ALL=C comm -23 "$work/functions" "$work/replaced" >"$work/missing"
  cat "$work/missing"
  [ ! -s "$work/missing" ]
}
if [ -z "${RABBITMQ_WITH_COMPAT:-}" ]; then
  tap_skip 'in place of librabbitmq' \
    'RABBITMQ_WITH_COMPAT names none (scripts/build-rabbitmq-c --with-compat makes one)'
elif [ "$RABBITMQ_HAS_OPENSSL" != yes ]; then
  tap_skip 'in place of librabbitmq' \
    'the librabbitmq here has no OpenSSL transport, so that no program is linked with it'
else
  tap_check 'in place of librabbitmq: a program runs on OpenSSL' link_with_openssl
  tap_check 'in place of librabbitmq: nothing preloaded nor linked again, it runs on wolfSSL' replaced_under_it
  if [ "$(pkg-config --modversion librabbitmq)" = \
    "$(PKG_CONFIG_PATH=$RABBITMQ_WITH_COMPAT/lib/pkgconfig pkg-config --modversion librabbitmq)" ]; then
    tap_check 'in place of librabbitmq: no function is missing' all_functions_are_there
  else
    tap_skip 'in place of librabbitmq: no function is missing' 'the two are of different versions'
  fi
fi

tap_finish
