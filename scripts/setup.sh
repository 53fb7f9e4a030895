#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that the build needs and that are missing; prints the command where it may not.
# usage: scripts/setup.sh [--needed]
#   --needed   silent where nothing that is required is missing (make test and make demo call it so)
# Required: g++ (10 or newer), make, cxxopts, nlohmann-json. Optional: oneDNN (CPU matrix products; without it our own run),
# zlib and zstd (compressed text as input of tokenize).
# What counts is whether the compiler finds a header, not which package it came from.
set -euo pipefail

usage="usage: scripts/setup.sh [--needed]"
only_needed=0
case ${1-} in
    "") ;;
    --needed) only_needed=1 ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
esac
cxx=${CXX:-g++}
read -ra cppflags <<< "${CPPFLAGS-}"

has_header() { # FILE
    printf '#if !__has_include(<%s>)\n#error\n#endif\n' "$1" | "$cxx" "${cppflags[@]}" -x c++ -E - > /dev/null 2>&1
}
compiler_is_new_enough() {
    command -v "$cxx" > /dev/null && printf '#include <concepts>\n#include <omp.h>\n' | "$cxx" -std=c++20 -fopenmp -x c++ -E - > /dev/null 2>&1
}
missing_required() { # one package a line
    command -v make > /dev/null || echo make
    compiler_is_new_enough || echo g++
    has_header cxxopts.hpp || echo libcxxopts-dev
    has_header nlohmann/json.hpp || echo nlohmann-json3-dev
}
missing_optional() {
    has_header oneapi/dnnl/dnnl.hpp || echo libdnnl-dev
    has_header zlib.h || echo zlib1g-dev
    has_header zstd.h || echo libzstd-dev
}

mapfile -t required < <(missing_required)
mapfile -t optional < <(missing_optional)
if [ "${#required[@]}" -eq 0 ] && { [ "$only_needed" = 1 ] || [ "${#optional[@]}" -eq 0 ]; }; then
    [ "$only_needed" = 1 ] || echo "setup: everything is there"
    exit 0
fi
echo "setup: missing: ${required[*]} ${optional[*]}"

if ! command -v apt-get > /dev/null; then
    if [ "${#required[@]}" -eq 0 ]; then
        echo "setup: what is missing is optional (oneDNN: own matrix products run; zlib, zstd: compressed text has to be piped)"
        exit 0
    fi
    echo "setup: no apt-get here; install g++ 10 or newer, make, cxxopts and nlohmann-json (optional: oneDNN, zlib, zstd) with this system's tools" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    as_root=(sudo -n)
else
    echo "setup: installing needs root; run this and start again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y ${required[*]} ${optional[*]}" >&2
    [ "${#required[@]}" -eq 0 ] || exit 1
    echo "setup: what is missing is optional: going on without it" >&2
    exit 0
fi

apt_install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" > /dev/null; }
"${as_root[@]}" apt-get -qq update || echo "setup: apt-get update failed; trying with the package lists that are here" >&2
if [ "${#required[@]}" -gt 0 ] && ! apt_install "${required[@]}"; then
    echo "setup: apt-get could not install ${required[*]}; its message is above" >&2
    exit 1
fi
for package in "${optional[@]}"; do
    apt_install "$package" || echo "setup: this system has no package $package, which is optional: going on without it"
done

mapfile -t required < <(missing_required)
if [ "${#required[@]}" -gt 0 ]; then
    echo "setup: still not found by $cxx after the installation: ${required[*]}" >&2
    exit 1
fi
echo "setup: done"
