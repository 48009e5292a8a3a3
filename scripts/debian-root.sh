# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Clean Debian systems in folders, for scripts that build or test in them. Source debian-source.sh first, then this;
# $scripts is the folder of both. Root's rights are needed.
#
#   require_root
#   make_root SUITE [ARCHITECTURE] FOLDER
#   enter_root FOLDER COMMAND...
#   offer_packages PACKAGES FOLDER

# What apt is told on this machine about fetching, a proxy for one; what it knows by itself is left to each suite's apt.
host_acquire_settings() {
  apt-config dump | grep -E '^Acquire::(https?::|Check-|ForceIPv|Retries|Queue)' | grep -v ' "";$' || :
}

# configure_root SUITE FOLDER: where packages come from, and that none starts a service
configure_root() {
  rm -f "$2/etc/apt/sources.list"
  source_stanzas 'deb deb-src' "$1" >"$2/etc/apt/sources.list.d/debian.sources"
  {
    host_acquire_settings
    echo 'Acquire::Languages "none";'
    echo 'APT::Install-Recommends "false";'
  } >"$2/etc/apt/apt.conf.d/90host"
  # The folder is thrown away: nothing is gained by waiting for the disk.
  echo force-unsafe-io >"$2/etc/dpkg/dpkg.cfg.d/unsafe-io"
  printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
  chmod 755 "$2/usr/sbin/policy-rc.d"
  cp -L /etc/resolv.conf /etc/hosts "$2/etc/"
}

# Before a script does anything else; what make_root says may go to a log.
require_root() {
  [ "$(id -u)" -eq 0 ] || die 'root makes and enters a Debian system in a folder; run this as root'
}

# make_root SUITE [ARCHITECTURE] FOLDER: what a package may take for granted when it is built, and nothing else. A
# folder that is there already was finished once, and is kept, but for newer versions of its packages.
make_root() {
  root_suite=$1
  root_architecture=$(dpkg --print-architecture)
  if [ $# -eq 3 ]; then
    root_architecture=$2
    shift
  fi
  root_folder=$2
  require_root
  if [ ! -d "$root_folder" ]; then
    command -v debootstrap >/dev/null || "$scripts/install-dependencies" --roots || return
    find_mirror
    case $mirror in
      https:*) set -- --include=ca-certificates ;;
      *) set -- ;;
    esac
    rm -rf "$root_folder.unfinished"
    unshare --mount debootstrap --variant=buildd --arch="$root_architecture" "$@" "$root_suite" \
      "$root_folder.unfinished" "$mirror" || return
    configure_root "$root_suite" "$root_folder.unfinished"
    bring_up_to_date "$root_folder.unfinished" || return
    mv "$root_folder.unfinished" "$root_folder"
  fi
  bring_up_to_date "$root_folder"
}

bring_up_to_date() {
  enter_root "$1" sh -c 'apt-get -qq update && apt-get -qq dist-upgrade && apt-get clean'
}

# enter_root FOLDER COMMAND...: runs it there as root, in /, without this machine's environment. It has its own mounts
# and processes, and both are gone when it has ended, however it ended.
enter_root() {
  entered_folder=$1
  shift
  # The shell inside stays: the first process of a namespace hears no signal that it did not ask for, and has to look
  # after what daemons leave. $1 is its own.
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child sh -c '
    mount -t proc proc "$1/proc" &&
      mount -t sysfs -o ro sysfs "$1/sys" &&
      mount --rbind /dev "$1/dev" &&
      mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" || exit
    chroot "$@"
    exit "$?"' sh "$entered_folder" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp ${http_proxy:+"http_proxy=$http_proxy"} \
    ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} "$@"
}

# offer_packages PACKAGES FOLDER: this project's packages in the folder PACKAGES, where there may be others, can be
# installed by apt in the system in FOLDER
offer_packages() {
  mkdir -p "$2/build/packages"
  cp "$1"/librabbitmq*wolfssl*.deb "$2/build/packages/"
  enter_root "$2" sh -c 'cd /build/packages && dpkg-scanpackages . >Packages 2>/dev/null'
  echo 'deb [trusted=yes] file:/build/packages ./' >"$2/etc/apt/sources.list.d/built.list"
  enter_root "$2" apt-get -qq update
}
