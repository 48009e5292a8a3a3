#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs docs/mutual-tls.md: its commands as they are written there, in their order and in one shell, with a RabbitMQ that
# has the guide's configuration and no other; what stands there for both PKIs, a second time with certtool's. Then what
# the guide says of keys that keep a node from starting, each alone, and of the names that EXTERNAL takes.
#
# rabbitmqctl and rabbitmq-plugins are RabbitMQ's own, on a private node; "systemctl restart rabbitmq-server" restarts
# that one. Where things are is told by the variables that the guide's first block takes from the environment.

set -u
. "$abs_top_srcdir/tests/support/tap.sh"
guide=$abs_top_srcdir/docs/mutual-tls.md

for program in rabbitmq-server:/usr/lib/rabbitmq/bin/rabbitmq-server certtool:certtool openssl:openssl; do
  if ! command -v "${program#*:}" >/dev/null; then
    tap_missing_peer 'the guide to mutual TLS' "${program%%:*}"
    tap_finish
  fi
done

work=$(mktemp -d "${TMPDIR:-/tmp}/mutual-tls-guide.XXXXXX") || exit 99
guide_process=
# Its group, which timeout has made: what a guide that was broken off has left running.
end_guide() {
  [ -z "$guide_process" ] || kill -TERM -- "-$guide_process" 2>/dev/null
  guide_process=
}
clean_up() {
  end_guide
  "$BROKER" stop "$work/broker" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The broker's user has to get through to its configuration, as in /etc.
chmod o+x "$work"
mkdir "$work/home" "$work/etc" "$work/bin" "$work/blocks" "$work/old" || exit 99
chmod 755 "$work/etc"
if [ "$(id -u)" -eq 0 ]; then user=nobody; else user=$(id -un); fi
# Free for as long as the guide runs: none of those that the kernel gives to connections and other tests. RabbitMQ
# starts without a listener whose port was taken meanwhile (seen).
port=$(perl -MSocket -e 'for (1 .. 1000) {
    my $port = 10000 + int(rand(22000));
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die;
    if (bind($socket, sockaddr_in($port, INADDR_LOOPBACK))) { print($port); exit }
  }
  die') || exit 99

# ---- What the guide has in its blocks --------------------------------------------------------------------------------

# A file for each block of commands, numbered; its name ends in "each" where both PKIs are meant. All output in one.
awk -v folder="$work/blocks" '
  /^<!-- for each PKI -->$/ { each = "-each"; next }
  /^```/ {
    if (kind != "") {
      kind = ""
      if (target ~ /-each$/) each = ""
      close(target)
      next
    }
    kind = substr($0, 4)
    if (kind == "sh") { target = folder "/" sprintf("%02d", ++count) each; each = "" }
    else if (kind ~ /^(text|yaml|c)$/) target = folder "/" kind (kind == "text" ? "" : ++others)
    else { target = folder "/unknown"; print FNR ": " $0 >target }
    next
  }
  kind != "" { print >>target; next }
  /^(    |\t)/ { print FNR ": " $0 >(folder "/unknown") }' "$guide"
tap_check 'its blocks are commands, output, YAML or C' test ! -s "$work/blocks/unknown"
tap_check 'there are commands in it' test -s "$work/blocks/12"
# Those in a sentence or a table are in a block, too.
grep -oE '`(rabbitmq|openssl |certtool |systemctl |cat |kubectl )[^`]*`' "$guide" | tr -d '`' | grep ' ' >"$work/inline"
unrun=$(while read -r words; do
  grep -qF -- "$words" "$work"/blocks/[0-9]* || printf '%s\n' "$words"
done <"$work/inline")
tap_result 'commands within sentences are among them' "$([ -z "$unrun" ] && echo 0 || echo 1)" "$unrun"
tap_check 'there are such' test -s "$work/inline"

# contains FILE PART: the lines of PART stand in FILE, one after the other
contains() {
  perl -0777 -e 'local @ARGV = @ARGV; my ($file, $part) = map { local @ARGV = $_; scalar <> } @ARGV;
    exit(index($file, $part) < 0)' "$1" "$2"
}
for block in "$work"/blocks/yaml*; do
  tap_check 'its YAML is that of examples/kubernetes' contains "$abs_top_srcdir/examples/kubernetes/certificates.yaml" \
    "$block"
done
for block in "$work"/blocks/c*; do
  tap_check 'its C is that of examples/rotating_client.c' contains "$abs_top_srcdir/examples/rotating_client.c" "$block"
done

# ---- The commands ----------------------------------------------------------------------------------------------------

cat >"$work/bin/rabbitmqctl" <<'END'
#!/bin/sh
exec "$BROKER" ctl "$BROKER_FOLDER" "$@"
END
cat >"$work/bin/rabbitmq-plugins" <<'END'
#!/bin/sh
exec env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 RABBITMQ_CONF_ENV_FILE=/dev/null \
  RABBITMQ_ENABLED_PLUGINS_FILE="$RABBITMQ_ETC/enabled_plugins" RABBITMQ_MNESIA_BASE="$HOME" RABBITMQ_LOG_BASE="$HOME" \
  /usr/lib/rabbitmq/bin/rabbitmq-plugins "$@"
END
# scripts/broker enables the one plugin by itself. What else it has, certificates and ports, the guide replaces.
cat >"$work/bin/systemctl" <<'END'
#!/bin/sh
set -eu
[ "$*" = 'restart rabbitmq-server' ]
grep -qx '\[rabbitmq_auth_mechanism_ssl\]\.' "$RABBITMQ_ETC/enabled_plugins"
"$BROKER" stop "$BROKER_FOLDER"
"$BROKER" start "$BROKER_FOLDER" --certificates "$BROKER_CERTIFICATES" --configuration "$RABBITMQ_ETC/rabbitmq.conf"
END
chmod 755 "$work"/bin/*

# run_guide NAME BLOCK...: in a new shell, with nothing of this test's own environment
run_guide() {
  name=$1
  shift
  cat "$@" >"$work/$name.commands"
  # In the background, so that a signal for this test is not held up.
  (
    cd "$work/home" || exit
    exec env -i PATH="$work/bin:$PATH" HOME="$work/home" TMPDIR="$work" LANG=C.UTF-8 BROKER="$BROKER" \
      BROKER_FOLDER="$work/broker" BROKER_CERTIFICATES="$work/certificates" RABBITMQ_ETC="$work/etc" \
      RABBITMQ_USER="$user" RABBITMQ_LISTEN="127.0.0.1:$port" RABBITMQ_LOG="$work/broker/log" \
      EXAMPLES="$abs_top_builddir/examples" ASAN_OPTIONS="${ASAN_OPTIONS:-}" PKI="${pki:-openssl}" \
      timeout 250 sh -x "$work/$name.commands"
  ) >"$work/$name.output" 2>&1 &
  guide_process=$!
  ended=0
  wait "$guide_process" || ended=$?
  end_guide
  return "$ended"
}

# The guide's own take their place in the broker's configuration.
"$abs_top_srcdir/tests/support/take-certificates" "$CERTIFICATE_POOL" "$work/certificates" || exit 99

status=0
run_guide guide "$work"/blocks/[0-9]* || status=$?
tap_result 'all commands of the guide succeed' "$status" "$(tail -n 60 "$work/guide.output")"
sed 's/^/# /' "$work/guide.output"
[ "$status" -eq 0 ] || tap_finish

# The lines that the guide promises are there.
missing=$(while read -r line; do
  grep -qF -- "$line" "$work/guide.output" || printf '%s\n' "$line"
done <"$work/blocks/text")
tap_result 'their output is what the guide says' "$([ -z "$missing" ] && echo 0 || echo 1)" "$missing"
tap_check 'three attempts are refused' \
  test "$(grep -cx 'refused, as it should be' "$work/guide.output")" -eq 3
tap_check 'the broker listens by TLS' has_lines "$work/guide.output" "port: $port, protocol: amqp/ssl"
no_other_listener() {
  ! grep -E 'protocol: (amqp|http|mqtt)' "$work/guide.output" | grep -v 'amqp/ssl' | grep -v '^+'
}
tap_check 'and not otherwise' no_other_listener

# Where things are, the files of the other PKI, that the broker reads them at once, and what a client does.
pki=certtool
status=0
set -- "$work"/blocks/*-each
where=$1
install=$2
shift 2
run_guide certtool "$where" "$install" "$(grep -l clear_pem_cache "$@")" "$@" || status=$?
tap_result "with certtool's PKI they succeed, too" "$status" "$(tail -n 60 "$work/certtool.output")"
sed 's/^/# /' "$work/certtool.output"

# ---- Who is who ------------------------------------------------------------------------------------------------------

# names_user SETTINGS NAME: with these Erlang terms the certificate's user is NAME, for whom there is a user now
names_user() {
  "$BROKER" ctl "$work/broker" eval "
    [application:set_env(rabbit, Key, Value) || {Key, Value} <- [$1]],
    ok = rabbit_auth_backend_internal:add_user(<<\"$2\">>, <<\"not used\">>, <<\"test\">>),
    ok = rabbit_auth_backend_internal:set_permissions(<<\"$2\">>, <<\"/\">>, <<>>, <<>>, <<>>, <<\"test\">>)." &&
    "$abs_top_builddir/examples/show_connection" --host localhost --port "$port" --ca "$pki_folder/ca.pem" \
      --certificate "$pki_folder/client.pem" --key "$pki_folder/client.key" &&
    grep -F "user '$2' authenticated and granted access to vhost" "$work/broker/log"
}

# named_in_table SETTING: the last column of its row
named_in_table() {
  sed -n "s/^| \`$1\`.* | \`\([^\`]*\)\` |\$/\1/p" "$guide"
}

pki_folder=$work/home/mutual-tls/certtool
tap_check 'EXTERNAL by the subject' names_user '{ssl_cert_login_from, distinguished_name}' \
  "$(named_in_table distinguished_name)"
tap_check 'EXTERNAL by a SAN' names_user \
  '{ssl_cert_login_from, subject_alternative_name}, {ssl_cert_login_san_type, uri}, {ssl_cert_login_san_index, 0}' \
  "$(named_in_table subject_alternative_name)"
tap_check 'the broker is stopped' "$BROKER" stop "$work/broker"

# ---- Keys that are no longer there -----------------------------------------------------------------------------------

# start_alone LINE...: a node with this configuration comes as far as it does; what it says goes to a file. It looks at
# the configuration before it listens anywhere.
start_alone() {
  printf '%s\n' "$@" >"$work/old/rabbitmq.conf"
  env -i PATH="$PATH" HOME="$work/old" LANG=C.UTF-8 RABBITMQ_NODENAME="old-$$@localhost" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE="$work/old/rabbitmq.conf" RABBITMQ_LOGS=- \
    RABBITMQ_ADVANCED_CONFIG_FILE="$work/old/advanced.config" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$work/old/enabled_plugins" \
    RABBITMQ_GENERATED_CONFIG_DIR="$work/old/generated" RABBITMQ_MNESIA_BASE="$work/old/mnesia" \
    RABBITMQ_LOG_BASE="$work/old/log" RABBITMQ_PID_FILE="$work/old/pid" ERL_CRASH_DUMP=/dev/null \
    RUNNING_UNDER_SYSTEMD=true timeout 60 /usr/lib/rabbitmq/bin/rabbitmq-server >"$work/old/output" 2>&1
}

refuses_to_start() {
  status=0
  start_alone "$1 = $2" || status=$?
  cat "$work/old/output"
  [ "$status" -eq 1 ] && grep -qF "You've tried to set $1, but there is no setting with that name." "$work/old/output"
}

sed -n 's/^| `\(ssl_[a-z_.0-9]*\)` | `\([a-z_.0-9]*\)` |$/\1 \2/p' "$guide" >"$work/keys"
tap_check 'the table of old keys is there' test "$(wc -l <"$work/keys")" -ge 7
while read -r old new; do
  case $old in
    *verify) value=verify_peer ;;
    *fail*) value=true ;;
    *listeners*) value=5671 ;;
    *) value=/dev/null ;;
  esac
  tap_check "a node with $old refuses to start" refuses_to_start "$old" "$value"
  # What takes its place was in force above, or is of the same list.
  tap_check "$new is in the guide's configuration" grep -q "^${new%.*}[.]" "$work/etc/rabbitmq.conf"
done <"$work/keys"
tap_finish
