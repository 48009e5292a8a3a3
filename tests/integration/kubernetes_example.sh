#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples/kubernetes, where there is no Kubernetes. Its YAML is checked, and shown to be checked: what would spoil it
# is noticed. The README's commands are run with a kubectl that keeps the objects in files. Then the client runs as the
# Deployment would have it: its program and arguments, its user and groups, as process 1, with a file system that can't
# be written to, on a folder as the kubelet mounts the Secret; with a RabbitMQ that has the example's configuration.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"
example=$abs_top_srcdir/examples/kubernetes
check=$abs_top_srcdir/tests/support/check-kubernetes

if ! command -v yamllint >/dev/null; then
  tap_missing_peer 'the example for Kubernetes' yamllint
  tap_finish
fi
# Another Python may come first, which lacks what Debian's has.
python=
for candidate in python3 /usr/bin/python3; do
  if [ -z "$python" ] && "$candidate" -c 'import jsonschema, yaml' 2>/dev/null; then python=$candidate; fi
done
if [ -z "$python" ]; then
  tap_missing_peer 'the example for Kubernetes' python3-jsonschema
  tap_finish
fi
if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  tap_missing_peer 'the example for Kubernetes' rabbitmq-server
  tap_finish
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/kubernetes-example.XXXXXX") || exit 99
client=
clean_up() {
  [ -z "$client" ] || kill -KILL "$client" 2>/dev/null
  "$BROKER" stop "$work/broker" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod o+x "$work"
mkdir "$work/pki" "$work/bin" "$work/mount" "$work/image" || exit 99

# ---- The YAML --------------------------------------------------------------------------------------------------------

tap_check 'yamllint finds nothing' \
  yamllint --strict -d '{extends: default, rules: {line-length: {max: 120}}}' "$example"
tap_check 'each object has the fields of its kind, and they fit together' "$python" "$check" "$example"
tap_check 'nothing that would spoil it goes unnoticed' "$python" "$check" --attack "$example"

facts=$("$python" "$check" --facts "$example") || exit 99
eval "$facts"
named=$(sed -n 's/^| \[\([^]]*\)\]([^)]*) |.*/\1/p' "$example/README.md" | sort)
tap_check 'the README names each file' test "$named" = "$(cd "$example" && printf '%s\n' [!R]* | sort)"

# ---- Certificates ----------------------------------------------------------------------------------------------------

# The broker's CA and certificate from those of all tests; the client's as cert-manager makes it, for the same user.
"$abs_top_srcdir/tests/support/take-certificates" "$CERTIFICATE_POOL" "$work/certificates" || exit 99
cp "$work/certificates/ca.pem" "$work/certificates/server.pem" "$work/certificates/server.key" "$work/pki/" || exit 99

# new_client ORGANISATION: a new key and certificate
new_client() {
  printf '%s\n' 'keyUsage = critical, digitalSignature' 'extendedKeyUsage = clientAuth' >"$work/client.cnf"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/pki/client.key" \
    -subj "/O=$1/CN=$common_name" -out "$work/client.csr" &&
    openssl x509 -req -in "$work/client.csr" -extfile "$work/client.cnf" -CA "$work/certificates/ca.pem" \
      -CAkey "$work/certificates/ca.key" -set_serial "0x$(openssl rand -hex 16)" -days 1 -out "$work/pki/client.pem"
}
tap_check 'the client has a certificate' new_client First || tap_finish

# ---- The commands ----------------------------------------------------------------------------------------------------

printf '#!/bin/sh\nexec %s %s "$@"\n' "$python" "$abs_top_srcdir/tests/support/kubectl" >"$work/bin/kubectl"
chmod 755 "$work/bin/kubectl"
awk -v folder="$work" '
  /^```sh$/ { target = folder "/commands" ++count; next }
  /^```/ { if (target == "") { print FNR ": " $0 >(folder "/unknown") } target = ""; next }
  target != "" { print >target }
  target == "" && /^(    |\t)/ { print FNR ": " $0 >(folder "/unknown") }' "$example/README.md"
tap_check "the README has three blocks of commands, and no others" \
  test -s "$work/commands3" -a ! -e "$work/commands4" -a ! -e "$work/unknown"

# run_commands NUMBER
run_commands() {
  (cd "$example" && exec env PATH="$work/bin:$PATH" PKI="$work/pki" pki="$work/pki" KUBECTL_OBJECTS="$work/objects" \
    sh -eux "$work/commands$1")
}
secret=$work/objects/Secret/messaging/orders-client-tls
tap_check 'the manifests are applied' run_commands 1
tap_check 'the Secrets are made' run_commands 2
tap_check "the client's has what cert-manager's would" test "$(cd "$secret" && echo *)" = 'ca.crt tls.crt tls.key'
tap_check "so has the broker's" \
  test "$(cd "$work/objects/Secret/messaging/rabbitmq-server-tls" && echo *)" = 'ca.crt tls.crt tls.key'

# kubectl's own makes of the README's words what ours does. It asks no cluster for it.
same_as_kubectl() {
  sed -n '/--dry-run/,/|$/p' "$work/commands3" | sed '$s/|$//' >"$work/dry-run"
  (cd "$example" && pki=$work/pki && export pki && PATH=$work/bin:$PATH sh -eu "$work/dry-run" >"$work/ours.yaml" &&
    KUBECONFIG=/dev/null sh -eu "$work/dry-run" >"$work/theirs.yaml") || return 1
  "$python" -c '
import sys, yaml
ours, theirs = (yaml.safe_load(open(name)) for name in sys.argv[1:])
theirs["metadata"].pop("creationTimestamp", None)
sys.exit(ours != theirs)' "$work/ours.yaml" "$work/theirs.yaml"
}
if KUBECONFIG=/dev/null kubectl version --client >/dev/null 2>&1; then
  export KUBECTL_OBJECTS="$work/objects"
  tap_check "kubectl's own dry run says the same" same_as_kubectl
else
  tap_skip "kubectl's own dry run says the same" 'kubectl is not installed'
fi

# ---- The image -------------------------------------------------------------------------------------------------------

containerfile=$example/Containerfile
copied_and_called() {
  grep -qx 'COPY \. /source' "$containerfile" &&
    grep -qx 'RUN scripts/install-dependencies --build-only' "$containerfile" &&
    [ -x "$abs_top_srcdir/scripts/install-dependencies" ] && [ -f "$abs_top_srcdir/configure.ac" ] &&
    ! grep -E '^(COPY|ADD) ' "$containerfile" | grep -vE '^COPY (\. /source|--from=build /image/ /)$'
}
tap_check 'what is copied is there' copied_and_called
tap_check 'it makes what there is to make' \
  make -s -n -C "$abs_top_builddir" -f Makefile all examples install-strip
commands_are_sound() {
  sed -n 's/^RUN //p' "$containerfile" | while read -r line; do
    printf '%s\n' "$line" | sh -n || exit 1
  done
}
tap_check 'each of its commands can be parsed' commands_are_sound
tap_check 'its program is the one that the Deployment starts' \
  grep -qxF "ENTRYPOINT [\"$container_command\"]" "$containerfile"
tap_check 'and it runs as the same user' grep -qxF "USER $container_user:$container_group" "$containerfile"

# The program, as it is built here, with the library beside it.
program=$abs_top_builddir/examples/rotating_client
for file in "$abs_top_builddir/examples/.libs/rotating_client" \
  "$abs_top_builddir"/.libs/librabbitmq-wolfssl.so.[0-9]; do
  [ -e "$file" ] || continue
  cp -L "$file" "$work/image/" || exit 99
done
[ -e "$work/image/rotating_client" ] || cp "$program" "$work/image/" || exit 99
chmod -R a+rX "$work/image"
LD_LIBRARY_PATH=$work/image${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# The lines of the Containerfile that find out, with this program in place of the image's.
packages_are_found() {
  sed -n '/^RUN.*[/]libraries/s/^RUN //p' "$containerfile" |
    sed "s|/image/usr/local/bin/|$work/image/|; s|/image/packages|$work/packages|g; s|\([<>]\)/lib|\1$work/lib|" \
      >"$work/find-packages"
  sh -eux "$work/find-packages" && cat "$work/packages" && grep -qx libc6 "$work/packages" || return 1
  # Words on purpose.
  # shellcheck disable=SC2046
  dpkg-query --show $(cat "$work/packages")
}
if command -v dpkg-query >/dev/null; then
  tap_check 'the packages that it needs at run time are found' packages_are_found
else
  tap_skip 'the packages that it needs at run time are found' 'this is not Debian'
fi

# ---- The container ---------------------------------------------------------------------------------------------------

# publish NAME: what is in the Secret now, mounted as the kubelet does it: a new folder, and "..data" renamed onto it
publish() {
  mkdir "$work/mount/..$1" && cp "$secret"/* "$work/mount/..$1/" || return 1
  if [ "$(id -u)" -eq 0 ]; then chgrp -R "$secret_group" "$work/mount" || return 1; fi
  chmod "0$secret_mode" "$work/mount/..$1"/* && chmod 2775 "$work/mount/..$1" || return 1
  old=$(readlink "$work/mount/..data")
  ln -s "..$1" "$work/mount/..data_tmp" && mv -T "$work/mount/..data_tmp" "$work/mount/..data" || return 1
  for file in "$secret"/*; do
    [ -L "$work/mount/${file##*/}" ] || ln -s "..data/${file##*/}" "$work/mount/" || return 1
  done
  [ -z "$old" ] || rm -r "${work:?}/mount/$old"
}

# contained COMMAND...: as the Deployment's securityContext has it. Without being root, as the user that we are.
# The inner shell has its own words.
# shellcheck disable=SC2016
contained() {
  if [ "$isolated" = yes ]; then
    set -- unshare --mount --pid --fork --kill-child sh -c '
      mount --make-rprivate / && mount -o remount,bind,ro / && mount --bind "$0" "$0" &&
        mount -o remount,bind,ro "$0" && mount -t proc proc /proc && exec "$@"' "$work" "$@"
  fi
  exec "$@"
}
as_user() {
  if [ "$other_user" = yes ]; then
    set -- setpriv --reuid "$container_user" --regid "$container_group" --groups "${groups-$secret_group}" \
      --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
  fi
  contained "$@"
}

isolated=no
other_user=no
if [ "$(id -u)" -eq 0 ]; then
  other_user=yes
  isolated=yes
  (contained true) 2>/dev/null || isolated=no
fi

# Libraries that were built apart may lie where that user can't go. Without arguments the program says how it is used.
starts() {
  status=0
  ("$@" "$work/image/rotating_client") >"$work/said" 2>&1 || status=$?
  [ "$status" -eq 2 ]
}
unreachable="this user has no other"
if [ "$other_user" = yes ] && ! starts as_user && starts env; then
  other_user=no
  unreachable="the Deployment's user can't reach the libraries"
fi

# Controls: the walls are there. Not even root writes.
no_writing() {
  ! (contained touch "$work/mount/..data/new") && ! (contained touch "$work/new") && ! (contained touch /usr/new) &&
    ! (as_user unshare --mount true)
}
only_by_group() {
  (as_user cat "$work/mount/tls.key") >/dev/null && ! (groups=$container_group as_user cat "$work/mount/tls.key")
}

printf '%s' "$broker_configuration" >"$work/broker.conf"
tap_check 'the first Secret is mounted' publish 2026_01_01_00_00_00.1
if [ "$other_user" = yes ]; then
  tap_check "the key is readable to the Secret's group, and to no other" only_by_group
else
  tap_skip "the key is readable to the Secret's group, and to no other" "$unreachable"
fi
if [ "$isolated" = yes ]; then
  tap_check 'the client could write nowhere' no_writing
else
  tap_skip 'the client could write nowhere' 'a file system that is read-only takes root'
fi

tap_check "a broker starts with the example's configuration" \
  "$BROKER" start "$work/broker" --certificates "$work/certificates" --configuration "$work/broker.conf" || tap_finish
# shellcheck source=/dev/null
. "$work/broker/env"
tap_check 'the plugin that the example names is the one that is enabled' \
  test "$broker_plugins" = rabbitmq_auth_mechanism_ssl
make_user() {
  "$BROKER" ctl "$work/broker" eval "ok = rabbit_auth_backend_internal:add_user(<<\"$common_name\">>,
    <<\"not used\">>, <<\"test\">>),
    rabbit_auth_backend_internal:clear_password(<<\"$common_name\">>, <<\"test\">>)." || return 1
  # In words, as the facts have them.
  eval "set -- $permissions"
  "$BROKER" ctl "$work/broker" set_permissions --vhost / "$common_name" "$@"
}
tap_check 'the user of the example is made, with its permissions' make_user

# The Deployment's arguments, in which its variables are set: to what is here.
BROKER_HOST=localhost
BROKER_PORT=$RABBITMQ_TLS_PORT
SECRET_FOLDER=$work/mount
export BROKER_HOST BROKER_PORT SECRET_FOLDER
eval "set -- $container_arguments"
(as_user "$work/image/${container_command##*/}" "$@") >"$work/said" 2>&1 &
client=$!

# within SECONDS COMMAND...: the command passes, at the latest after this time
within() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    if [ "$(date +%s)" -ge "$end" ] || ! kill -0 "$client" 2>/dev/null; then
      cat "$work/said"
      return 1
    fi
    sleep 0.05
  done
}
# said COUNT PATTERN: the client did, so often
said() {
  [ "$(grep -cE "$2" "$work/said")" -eq "$1" ]
}

tap_check 'the client connects' within 60 said 1 '^connected as CN=orders,O=First by TLSv1\.3' || tap_finish
tap_check "the broker takes it for the example's user" \
  within 20 grep -q "user '$common_name' authenticated and granted access" "$work/broker/log"

rotate() {
  new_client "$1" && run_commands 3 && publish "$2"
}
tap_check 'the Secret is renewed, by the commands of the README' rotate Second 2026_01_01_00_00_00.2
tap_check 'the client connects by the new certificate' within 60 said 1 '^connected as CN=orders,O=Second '

# A certificate whose key is another one, as a mistake makes it.
break_it() {
  new_client Other && cp "$work/certificates/client.key" "$work/pki/client.key" && run_commands 3 &&
    publish 2026_01_01_00_00_00.3
}
tap_check 'a Secret comes that is broken' break_it
tap_check 'the broker closes the connection' "$BROKER" ctl "$work/broker" close_all_connections test
tap_check 'the client connects again, by the last good one' within 60 said 2 '^connected as CN=orders,O=Second '
tap_check 'and says what is wrong with the other' said 1 '^the files are not in order, .*key'
tap_check 'a good one comes' rotate Third 2026_01_01_00_00_00.4
tap_check 'the client connects by that' within 60 said 1 '^connected as CN=orders,O=Third '

# A signal for process 1 of a container counts only if the program asks for it.
ends_by_sigterm() {
  target=$client
  if [ "$isolated" = yes ]; then target=$(pgrep -P "$client"); fi
  kill -TERM "$target" && within 20 said 1 '^stopped$'
}
tap_check 'SIGTERM ends it' ends_by_sigterm
status=0
wait "$client" || status=$?
client=
tap_result 'with status 0' "$status" "$(cat "$work/said")"
sed 's/^/# /' "$work/said"
tap_finish
