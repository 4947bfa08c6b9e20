#!/usr/bin/env bash
# newer-servers.sh [FOLDER]: fetches Redis 8 and Valkey 8, which Debian 12 does not have, from Debian 13, with the libraries they were built for.
# Installs nothing: all lies in FOLDER (default: ~/.cache/slotmesh/newer-servers). Prints the folder that has `redis-server-8` and `valkey-server-8`:
#
#   PATH="$(scripts/newer-servers.sh):$PATH" npm test
#
# Tests that compare with these servers are skipped where they are not on the PATH.
set -euo pipefail

suite=trixie
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/slotmesh/newer-servers}
servers=(redis-tools redis-server valkey-tools valkey-server)
libraries=(libc6 libstdc++6 libgcc-s1 libatomic1 libcap2 libjemalloc2 liblua5.1-0 liblzf1 libssl3t64 libsystemd0 libzstd1 lua-bitop lua-cjson zlib1g)

wrap() { # NAME PROGRAM: a command that runs a program with the libraries beside it
  local loader libraries
  loader=$(echo "$folder"/root/usr/lib*/ld-linux-*.so.*)
  libraries=$(dirname "$(echo "$folder"/root/usr/lib/*/libc.so.6)")
  printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 %s "%s" "$@"\n' \
    "$loader" "$libraries" "$2" "$folder/root/usr/bin/$2" >"$folder/bin/$1"
  chmod +x "$folder/bin/$1"
  "$folder/bin/$1" --version >&2
}

if [ ! -x "$folder/bin/valkey-server-8" ]; then
  rm -rf "$folder"
  mkdir -p "$folder"/{apt/lists/partial,apt/cache/archives/partial,debs,root,bin}
  folder=$(cd "$folder" && pwd)
  echo "deb http://deb.debian.org/debian $suite main" >"$folder/apt/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$folder/apt/lists"
    -o "Dir::Cache=$folder/apt/cache" -o "APT::Sandbox::User=$(id -un)")
  apt-get "${options[@]}" update >&2
  (cd "$folder/debs" && apt-get "${options[@]}" download "${servers[@]/%//$suite}" "${libraries[@]/%//$suite}" >&2)
  for package in "$folder"/debs/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
  rm -rf "$folder/debs" "$folder/apt"
  wrap redis-server-8 redis-server
  wrap valkey-server-8 valkey-server
fi
cd "$folder/bin" && pwd
