# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# What the scripts share that build a library from Debian's source package. Source it, make $work, a temporary folder,
# and end with "trap clean_up EXIT". $suites are Debian's suites, the newest first; $suite, if not
# empty, is the one to take.

program=$(basename "$0")
work=
suite=
suites='sid trixie bookworm'
security=yes
prefix=
keep=no
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

say() {
  echo "$program: $*"
}

die() {
  echo "$program: $*" >&2
  exit 1
}

clean_up() {
  if [ -n "$work" ] && [ "$keep" = yes ]; then
    say "the temporary folder is $work"
  elif [ -n "$work" ]; then
    rm -rf "$work"
  fi
}

# require_programs PACKAGES PROGRAM...: PACKAGES, one word for the shell, are Debian's packages that have them
require_programs() {
  packages=$1
  shift
  for needed in apt-get awk cc tar "$@"; do
    command -v "$needed" >/dev/null || die "$needed is missing (Debian: apt-get install $packages)"
  done
}

check_prefix_and_suite() {
  case $prefix in
    /*) ;;
    '') die '--prefix is needed (see --help)' ;;
    *) die "--prefix wants an absolute folder, not \"$prefix\"" ;;
  esac
  case " $suites " in
    *" ${suite:-sid} "*) ;;
    *) die "--suite is one of: $suites" ;;
  esac
}

make_temporary_folder() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  work=$(mktemp -d "${TMPDIR:-/tmp}/$program.XXXXXX")
}

# run COMMAND...: what it prints is shown when it fails
run() {
  if ! "$@" >"$work/log" 2>&1; then
    tail -n 60 "$work/log" >&2
    die "failed: $*"
  fi
}

# mirror_of ARCHIVE: prints the mirror this machine uses for Debian's own packages, "debian", or for their security
# updates, "debian-security", from either form of sources.list; fails where there is none. A mirror of security updates
# alone does not have the newer suites.
mirror_of() {
  sources=$(find /etc/apt/sources.list /etc/apt/sources.list.d -type f \( -name '*.sources' -o -name '*.list' \) \
    2>/dev/null | LC_ALL=C sort)
  [ -n "$sources" ] || die 'there are no sources in /etc/apt'
  # Words on purpose.
  # shellcheck disable=SC2086
  awk -v archive="$1" '
    function offer(uri, components) {
      if (uri ~ ("/" archive "/?$") && components ~ /(^|[ \t])main([ \t]|$)/ && !found) {
        print uri
        found = 1
      }
    }
    function end_of_stanza() {
      if (types ~ /deb/)
        offer(uris, components)
      types = uris = components = ""
    }
    FNR == 1 { end_of_stanza() }
    FILENAME ~ /\.list$/ && $1 == "deb" {
      line = $0
      sub(/\[[^]]*\]/, "", line)
      count = split(line, words, /[ \t]+/)
      offer(words[2], line)
    }
    FILENAME ~ /\.sources$/ && /^[ \t]*$/ { end_of_stanza() }
    FILENAME ~ /\.sources$/ && tolower($1) == "types:" { types = $0 }
    FILENAME ~ /\.sources$/ && tolower($1) == "uris:" { uris = $2 }
    FILENAME ~ /\.sources$/ && tolower($1) == "components:" { sub(/^[^:]*:/, ""); components = $0 }
    END {
      end_of_stanza()
      exit !found
    }' $sources
}

find_mirror() {
  mirror=$(mirror_of debian) || die 'no mirror of Debian itself is named in /etc/apt'
}

# private_apt COMMAND...: one suite's packages, with all that apt keeps in the temporary folder. The machine's
# other settings, its proxy for one, hold.
private_apt() {
  apt-get -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/apt/parts" \
    -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o "Dir::State::status=$work/apt/status" \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Get::List-Cleanup=no "$@"
}

# source_stanzas TYPES SUITE: where a suite's packages come from, for apt: $mirror, and security updates too where this
# machine knows a mirror of them, unless $security is "no".
source_stanzas() {
  source_stanza "$1" "$mirror" "$2"
  if [ "$2" != sid ] && [ "$security" = yes ] && security_mirror=$(mirror_of debian-security); then
    source_stanza "$1" "$security_mirror" "$2-security"
  fi
}

# source_stanza TYPES MIRROR SUITE
source_stanza() {
  echo "Types: $1"
  echo "URIs: $2"
  echo "Suites: $3"
  echo 'Components: main'
  echo 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg'
  echo
}

# configure_apt SUITE [TYPES]
configure_apt() {
  rm -rf "$work/apt"
  mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  : >"$work/apt/status"
  source_stanzas "${2:-deb-src}" "$1" >"$work/apt/parts/source.sources"
}

# fetch_part NAME FILE: one tarball of the source package found last, "orig" or "debian", into FILE: of the newest
# version that can be fetched. Fails when there is none, or it is not what the signed index says.
fetch_part() {
  grep -E "_[^/ ]*\.$1\.tar\.[a-z0-9]+ [0-9]+ SHA" "$work/uris" >"$work/parts" || return 1
  # 'URI' NAME SIZE HASH
  while read -r uri part_name _ hash; do
    uri=${uri#\'}
    say "fetching $part_name"
    ! /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=3 \
      download-file "${uri%\'}" "$2" "$hash" >>"$work/log" 2>&1 || return 0
  done <"$work/parts"
  return 1
}

# fetch_from SUITE PACKAGE
fetch_from() {
  configure_apt "$1"
  private_apt -qq update >"$work/log" 2>&1 && private_apt -qq source --print-uris --only-source "$2" \
    >"$work/uris" 2>>"$work/log" || return 1
  source_version=$(sed -n "s/.* $2_\(.*\)\.dsc .*/\1/p" "$work/uris")
  # Not every mirror of security updates has the upstream tarball as well.
  private_apt -qq source --print-uris --only-source "$2/$1" >>"$work/uris" 2>>"$work/log" || return 1
  fetch_part orig "$work/upstream.tar" || return 1
  source_name=$part_name
}

# fetch_upstream PACKAGE: the upstream tarball of a source package, from $suite or else the newest suite that has it, in
# $work/upstream.tar; $source_name is its name, $source_version the package's version. Debian's part of a package is not
# asked for here: it is replaced, and gone from mirrors, sooner.
fetch_upstream() {
  find_mirror
  for candidate in ${suite:-$suites}; do
    if fetch_from "$candidate" "$1"; then
      say "the upstream tarball of Debian's $1 $source_version, suite $candidate"
      return
    fi
    say "suite $candidate: can't be fetched: $(grep -E '^(E|Err|W):?' "$work/log" | head -n 1)"
  done
  tail -n 20 "$work/log" >&2
  die "no source package of $1 could be fetched"
}

# unpack_upstream: into $work/source, where the shell is afterwards
unpack_upstream() {
  mkdir "$work/source"
  tar -xf "$work/upstream.tar" -C "$work/source" --strip-components=1
  cd "$work/source" || return
}
