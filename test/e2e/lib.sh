# shellcheck shell=bash
# Shared by the end-to-end tests: programs, a management cluster, checks.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
nestor=${NESTOR:-$root/build/release/nestor}
PATH=$root/build/assets/bin:$PATH
export PATH
unset KUBECONFIG
# Nothing here may ask a proxy of the machine it runs on.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

say() { printf '  %s\n' "$*"; }

die() {
  printf '  FAILED: %s\n' "$*" >&2
  exit 1
}

# retry SECONDS COMMAND...: until it succeeds; for what has no event to wait for from a shell.
retry() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 1
  done
}

# equal WHAT GOT WANTED
equal() { [[ $2 == "$3" ]] || die "$1: got '$2', wanted '$3'"; }

# refuses PATTERN COMMAND...: it fails with one message that matches.
refuses() {
  local pattern=$1 out code=0
  shift
  out=$("$@" 2>&1) || code=$?
  ((code != 0)) || die "'$*' should have failed"
  [[ $out =~ $pattern ]] || die "'$*' said '$out', which does not match '$pattern'"
}
