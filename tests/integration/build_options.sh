#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What configure's options make of the library: --with-policy, --enable-policy-lock, --with-fips, and --sysconfdir with
# the administrator's file in it. Configures and builds the library anew, with this build's own options and one more,
# and asks a program that knows none of that (tests/support/show_policy.c).

set -u
. "$abs_top_srcdir/tests/support/tap.sh"

skip_all() {
  tap_skip 'build options' "$1"
  tap_finish
}
[ "$abs_top_srcdir" != "$abs_top_builddir" ] || skip_all 'built inside the source tree, which can have one build only'

work=$(mktemp -d "${TMPDIR:-/tmp}/build-options.XXXXXX") || exit 99
# clean_up: also after an interrupt
clean_up() {
  "$BROKER" stop "$work/broker" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
site_file=$work/etc/rabbitmq-wolfssl.conf
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

# with_site_file TEXT COMMAND...: while the administrator's file holds TEXT
with_site_file() {
  printf '%s' "$1" >"$site_file"
  chmod 644 "$site_file"
  shift
  status=0
  "$@" || status=$?
  rm -f "$site_file"
  return "$status"
}

# shows_of_others FOLDER PATTERN...: the same, with the administrator's file as nobody should leave it
shows_of_others() {
  chmod 666 "$site_file"
  shows "$@"
}

# run_client: through the drop-in library, to the broker
run_client() {
  # shellcheck source=/dev/null
  . "$work/broker/env"
  AMQP_WOLFSSL_DEBUG=1 "$work/fips/tests/support/ssl_client_relinked" localhost "$RABBITMQ_TLS_PORT" \
    "$RABBITMQ_CERTIFICATES/ca.pem" "$RABBITMQ_CERTIFICATES/client.pem" "$RABBITMQ_CERTIFICATES/client.key" \
    >"$work/client.out" 2>&1
}

is_told_of_the_exception() {
  if run_client; then return 1; fi
  has_lines "$work/client.out" 'policy: POLICY_EXTENDED_MASTER_SECRET: .*"extended-master-secret = optional" in rabbit'
}

works_with_the_broker() {
  run_client || {
    cat "$work/client.out"
    return 1
  }
  has_lines "$work/client.out" '^done' '^librabbitmq-wolfssl: connected to localhost .*, verified\) by TLSv1\.2, '
}

# ---- Policies ----

tap_check 'configure refuses a policy that there is not' is_refused none 'takes fips, cnsa or modern' --with-policy=none

tap_check 'a build with policy fips, which is the default' build fips
tap_check 'its summary names the policy' has_lines "$work/fips/configure.out" '^  default policy +fips$' \
  '^    locked +no$' "^    site file +$site_file\$"
# A wolfSSL that can't be told which signatures to offer can't hold policy cnsa.
cnsa=NOT_SUPPORTED
cnsa_open=NOT_SUPPORTED
if grep -qE '^    signature lists +yes$' "$work/fips/configure.out"; then
  cnsa=OK
  cnsa_open=REVOCATION_UNKNOWN # neither lists nor stapling were asked for
fi
tap_check 'policy fips: the other two can be chosen, and an exception made' shows fips \
  '^build .*; policy fips\)$' '^runtime OK$' '^policy fips OK$' "^policy cnsa $cnsa\$" '^policy modern OK$' \
  '^suite TLS_AES_256_GCM_SHA384 OK$' '^suite TLS_AES_128_GCM_SHA256 OK$' \
  '^suite TLS_CHACHA20_POLY1305_SHA256 INVALID_ARGUMENT$' '^without extended_master_secret OK$' \
  '^without verify_peer OK$' '^without verify_host OK$' '^open CONNECT_FAILED '
tap_check 'the file tightens the policy of a program that is not built again' with_site_file 'policy = cnsa
' shows fips '^suite TLS_AES_256_GCM_SHA384 OK$' '^suite TLS_AES_128_GCM_SHA256 INVALID_ARGUMENT$' \
  '^without extended_master_secret POLICY_LOCKED$' '^without verify_peer POLICY_LOCKED$' \
  '^without verify_host POLICY_LOCKED$'
tap_check 'the file does not loosen it' with_site_file 'policy = modern
' shows fips '^suite TLS_CHACHA20_POLY1305_SHA256 INVALID_ARGUMENT$'
tap_check 'a file with a mistake makes opening fail, with the line' with_site_file '# one
policy = fips
minimum-version = 1.0
' shows fips "^open SITE_FILE_INVALID .*$site_file.*line 3"

tap_check 'an exception in a file that others can write to makes opening fail' with_site_file \
  'extended-master-secret = optional
' shows_of_others fips "^open SITE_FILE_INVALID .*$site_file makes an exception"

# ---- The administrator's exception, for a program that has no function for one ----

# TLS 1.2 only, without the Extended Master Secret: RabbitMQ knows nothing of it. The program was written for OpenSSL.
if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_check 'a RabbitMQ with TLS 1.2 only' "$BROKER" start "$work/broker" --tls-versions 1.2
  tap_check 'the drop-in library of that build, and a program on it' make_in fips librabbitmq-wolfssl-compat.la \
    tests/support/ssl_client_relinked
  tap_check 'the program is refused, and told what an administrator can do' is_told_of_the_exception
  tap_check 'with the exception in the file it works' with_site_file 'policy = fips
extended-master-secret = optional
' works_with_the_broker
else
  tap_missing_peer 'the exception with RabbitMQ' rabbitmq-server
fi

tap_check 'a build locked to policy cnsa' build cnsa --with-policy=cnsa --enable-policy-lock
tap_check 'its summary says so' has_lines "$work/cnsa/configure.out" '^  default policy +cnsa$' '^    locked +yes$'
tap_check 'locked to cnsa: no other policy, and no exception' shows cnsa \
  '^build .*; policy cnsa, locked\)$' '^policy fips POLICY_LOCKED$' "^policy cnsa $cnsa\$" \
  '^policy modern POLICY_LOCKED$' "^open $cnsa_open " \
  '^suite TLS_AES_256_GCM_SHA384 OK$' '^suite TLS_AES_128_GCM_SHA256 INVALID_ARGUMENT$' \
  '^without extended_master_secret POLICY_LOCKED$' '^without verify_peer POLICY_LOCKED$' \
  '^without verify_host POLICY_LOCKED$'
tap_check 'locked to cnsa: the file does not loosen it' with_site_file 'policy = fips
' shows cnsa '^policy fips POLICY_LOCKED$' '^suite TLS_AES_128_GCM_SHA256 INVALID_ARGUMENT$'

tap_check 'locked to cnsa: an exception in the file makes opening fail' with_site_file \
  'extended-master-secret = optional
' shows cnsa "^open SITE_FILE_INVALID .*$site_file makes an exception .*--enable-policy-lock"

tap_check 'a build with policy modern' build modern --with-policy=modern
# Where wolfSSL has ChaCha20-Poly1305, as FIPS builds don't.
chacha=$(sed -n 's/^modern TLS_CHACHA20_POLY1305_SHA256 //p' "$work/fips/shown")
tap_check 'policy modern is the default then' shows modern '^build .*; policy modern\)$' '^policy fips OK$' \
  "^suite TLS_CHACHA20_POLY1305_SHA256 ${chacha:-unknown}\$"
tap_check 'the file tightens that too' with_site_file 'policy = fips
' shows modern '^suite TLS_AES_128_GCM_SHA256 OK$' '^suite TLS_CHACHA20_POLY1305_SHA256 INVALID_ARGUMENT$'

# ---- The FIPS module ----

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

# with_module_failing COMMAND...: the test double's integrity check fails. tap_check's shell ends with the command.
with_module_failing() {
  FIPS_TEST_DOUBLE=integrity
  export FIPS_TEST_DOUBLE
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

if grep -qE '^    FIPS module +no$' "$work/fips/configure.out"; then
  tap_check 'required: configure refuses a wolfSSL without the module' is_refused required \
    'with-fips=required, but wolfSSL .* was built without the' --with-fips=required
  tap_check 'required: so do the sources' compiles_not fips FIPS_REQUIRED \
    'error: .*--with-fips=required, but these headers'
else
  tap_check 'no: configure refuses a wolfSSL with the module' is_refused no \
    'with-fips=no, but wolfSSL .* was built with the' --with-fips=no
  tap_check 'no: so do the sources' compiles_not fips FIPS_REFUSED 'error: .*--with-fips=no, but these headers'
  tap_check 'a build that requires the module' build required --with-fips=required
  tap_check 'required: the program is told' shows required '^build .*, FIPS module \(required\), ' '^runtime OK$' \
    '^open CONNECT_FAILED '
  tap_check 'required: nothing opens with a module in error' with_module_failing shows required \
    '^runtime FIPS_MODULE$' '^open FIPS_MODULE '
  tap_check 'required: a program does not start on a wolfSSL without the module' does_not_start_without_the_module
  tap_check 'required: configure refuses a module in error' with_module_failing is_refused broken \
    'the FIPS module of wolfSSL .* is in error' --with-fips=required
fi
tap_finish
