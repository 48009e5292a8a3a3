#!/bin/sh
# SPDX-License-Identifier: MIT
#
# life_cycle.sh FOLDER: installs the packages in FOLDER in a lower version, upgrades them, removes and purges them, and
# looks at what each leaves; librabbitmq4-wolfssl too, which apt must not give up by itself. To be run by root in a
# system for it (scripts/test-packages).

set -u

root=${abs_top_srcdir:?}
. "$root/tests/support/tap.sh"
folder=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
architecture=$(dpkg --print-architecture)
packages='librabbitmq-wolfssl0 librabbitmq-wolfssl-compat0 librabbitmq-wolfssl-dev'
replacement=librabbitmq4-wolfssl
update_list=/etc/apt/sources.list.d/update.list
# Of librabbitmq4's source, and so of its very version: an update of Debian's takes them along.
dependants='amqp-tools librabbitmq-dev'
# What they need, for others to remain when they go.
foundation="$dependants libwolfssl-dev libp11-kit-dev"

# repack FILE SUFFIX TO: the package in FILE, with a version that ends with SUFFIX, in TO
repack() {
  rm -rf "$work/tree"
  version=$(dpkg-deb -f "$1" Version) && dpkg-deb -R "$1" "$work/tree" &&
    sed -i "s/$version/&$2/g" "$work/tree/DEBIAN/control" && dpkg-deb -b "$work/tree" "$3"
}

# make_earlier PACKAGE: the same package as of a version that came before
make_earlier() {
  repack "$folder/$1"_*_"$architecture".deb '~earlier' "$work/$1.deb"
}

# version_of PACKAGE: the one in $folder
version_of() {
  dpkg-deb -f "$folder/$1"_*_"$architecture".deb Version
}

# All files of the system but those in which a package manager keeps its books and its caches.
files() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /build -o -path /var/lib/apt \
    -o -path /var/cache -o -path /var/log -o -path /var/lib/dpkg -o -path "$work" \) -prune -o -print | LC_ALL=C sort
}

# have_version VERSION PACKAGE...
have_version() {
  wanted=$1
  shift
  for package in "$@"; do
    have=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$package") && [ "$have" = "installed $wanted" ] || return
  done
}

# relation PACKAGE: the lowest version of PACKAGE, a pattern, that librabbitmq-wolfssl0 depends on
relation() {
  dpkg-query -W -f '${Depends}' librabbitmq-wolfssl0 | tr ',' '\n' | sed -n "s/^ *$1 (>= \(.*\))/\1/p"
}

# The library refuses a wolfSSL older than the one it was built with, and so apt has to know.
needs_wolfssl_of_build() {
  cc -o "$work/info" "$root/tests/packages/build_info.c" -lrabbitmq-wolfssl -lrabbitmq || return
  built=$("$work/info" | sed -n 's/.*(built with wolfSSL \([0-9.]*\).*/\1/p')
  needed=$(relation 'libwolfssl[0-9][0-9a-z]*')
  echo "built with \"$built\", needs \"$needed\""
  [ -n "$built" ] && [ "$needed" = "$built" ]
}

# The one with the oldest private socket interface that the library knows, or newer.
needs_known_rabbitmq_c() {
  needed=$(relation librabbitmq4)
  dpkg --compare-versions "${needed:-0}" ge 0.8.0
}

has_own_wolfssl() {
  dpkg -L librabbitmq-wolfssl0 | grep '/librabbitmq-wolfssl/lib/libwolfssl'
}

apt() {
  apt-get -y --no-install-recommends "$@"
}

no_file_was_left() {
  files >"$work/after" && diff "$work/before" "$work/after"
}

# nothing_is_known PACKAGE...
nothing_is_known() {
  ! dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null | grep -v '^un'
}

# The file that an administrator may write is none of the package's.
keeps_site_file() {
  grep -qx 'policy = fips' /etc/rabbitmq-wolfssl.conf && rm /etc/rabbitmq-wolfssl.conf
}

# ---- librabbitmq4-wolfssl --------------------------------------------------------------------------------------------

# Debian's next rabbitmq-c, which the replacement was not built from.
offer_update() {
  # Words on purpose.
  # shellcheck disable=SC2086
  chmod 755 "$work" && mkdir "$work/update" && cd "$work/update" && apt-get -q download librabbitmq4 $dependants &&
    for file in *.deb; do
      repack "$file" +newer "$file" || return
    done
  dpkg-scanpackages . >Packages && echo "deb [trusted=yes] file:$work/update ./" >"$update_list" &&
    apt-get -o "Dir::Etc::sourcelist=$update_list" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=no update &&
    apt-cache policy librabbitmq4 | grep 'Candidate:.*+newer'
}

# keeps_replacement COMMAND...: apt would not put OpenSSL back, whether it does the rest or refuses to
keeps_replacement() {
  apt-get -s "$@" >"$work/plan"
  cat "$work/plan"
  [ -s "$work/plan" ] && ! grep -E "^(Remv $replacement|Inst librabbitmq4) " "$work/plan"
}

# replaces PACKAGE OTHER
replaces() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1")" = installed ] && nothing_is_known "$2"
}

# Words on purpose, from here on.
# shellcheck disable=SC2086
life_of_replacement() {
  version=$(version_of "$replacement")
  tap_check "$replacement of an earlier version" make_earlier "$replacement" || tap_finish
  tap_check 'it is installed' apt install "$work/$replacement.deb"
  tap_check 'in that version' have_version "$version~earlier" "$replacement"
  tap_check 'in the place of librabbitmq4' replaces "$replacement" librabbitmq4
  tap_check 'it is upgraded' apt install "$replacement"
  tap_check 'to this one' have_version "$version" "$replacement"
  tap_check 'all packages have what they need' apt-get -s check
  tap_check 'Debian has a newer rabbitmq-c' offer_update
  tap_check 'an upgrade leaves it where it is' keeps_replacement upgrade
  tap_check 'so does a full upgrade' keeps_replacement full-upgrade
  tap_check 'so do packages of that source' keeps_replacement install $dependants
  tap_check 'so does librabbitmq4 alone' keeps_replacement install librabbitmq4
  rm -f "$update_list"
  tap_check 'it is given up on purpose' apt install --allow-remove-essential librabbitmq4 "$replacement-"
  tap_check 'and librabbitmq4 is there again' replaces librabbitmq4 "$replacement"
  tap_check 'all of them are purged' apt purge "$replacement" $packages
  tap_check 'dpkg knows nothing of them' nothing_is_known "$replacement" $packages
  tap_check 'no file was left, and none is missing' no_file_was_left
}

# Words on purpose, from here on.
# shellcheck disable=SC2086
{
  tap_check 'what they need is installed' apt install $foundation || tap_finish
  files >"$work/before"
  version=$(version_of librabbitmq-wolfssl0)
  earlier=
  for package in $packages; do
    tap_check "$package of an earlier version" make_earlier "$package" || tap_finish
    earlier="$earlier $work/$package.deb"
  done
  tap_check 'they are installed' apt install $earlier
  tap_check 'in that version' have_version "$version~earlier" $packages
  echo 'policy = fips' >/etc/rabbitmq-wolfssl.conf
  tap_check 'they are upgraded' apt install $packages
  tap_check 'to this one' have_version "$version" $packages
  tap_check 'all packages have what they need' apt-get -s check
  tap_check 'the library depends on a rabbitmq-c that it knows' needs_known_rabbitmq_c
  if has_own_wolfssl >"$work/own"; then
    tap_skip 'and on the wolfSSL that it was built with, or a newer one' 'it has one of its own'
  else
    tap_check 'and on the wolfSSL that it was built with, or a newer one' needs_wolfssl_of_build
  fi
  tap_check 'they are removed' apt remove $packages
  tap_check 'they are purged' apt purge $packages
  tap_check 'dpkg knows nothing of them' nothing_is_known $packages
  tap_check "the administrator's file is still there" keeps_site_file
  tap_check 'no file was left, and none is missing' no_file_was_left
}
if [ -e "$(echo "$folder/$replacement"_*_"$architecture".deb)" ]; then
  life_of_replacement
else
  tap_skip "the life of $replacement" 'it was not built (build-packages --no-replacement, --quick)'
fi
tap_finish
