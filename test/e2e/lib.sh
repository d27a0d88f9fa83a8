# shellcheck shell=bash
# Shared by the end-to-end tests: programs, a management cluster, checks.
set -euo pipefail
shopt -s inherit_errexit
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
nestor=${NESTOR:-$root/build/release/nestor}
PATH=$root/build/assets/bin:$PATH
export PATH
unset KUBECONFIG
# Nothing here may ask a proxy of the machine it runs on.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

# say TEXT...: with the seconds since the test began.
say() { printf '  %4d s  %s\n' "$SECONDS" "$*"; }

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

# The process that keeps the node: it listens on the API's loopback port.
supervisor() { ss -Hltnp "sport = :$port" | grep -oP 'pid=\K[0-9]+' | head -1; }

# snapshot STATE_DIR PORT...: everything on the machine that a node could leave behind. Where other
# nodes may come and go meanwhile, only what belongs to this one is looked at. Group names come from
# node.json, so that a group left behind is found even when the directory is gone.
snapshot() {
  local state=$1 ports
  shift
  ports=$(IFS='|' && echo "$*")
  echo "# mounts" && findmnt -rno TARGET,FSTYPE | LC_ALL=C sort
  echo "# namespaces" && { ls /run/netns 2>/dev/null || true; }
  echo "# links" && ip -br link | awk '{print $1}'
  echo "# addresses" && ip -br addr | awk '{$2=""; print}'
  echo "# routes" && ip route show table all | LC_ALL=C sort && ip -6 route show | sed 's/ expires .*//'
  echo "# rules" && { nft list ruleset 2>/dev/null || true; }
  echo "# groups" && { find /sys/fs/cgroup -type d -name "${group:-none}" || true; }
  echo "# settings" && { $others || sysctl -n fs.inotify.max_user_instances fs.inotify.max_user_watches; }
  sysctl -n kernel.panic kernel.panic_on_oops vm.overcommit_memory vm.panic_on_oom \
    kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.ipv4.ip_forward
  echo "# ports" && { ss -Hltn | awk '{print $4}' | grep -E ":($ports|10250|10248|2379)$" || true; }
  echo "# processes" && { pgrep -fa "$state" | grep -v _test.sh || true; }
  echo "# files" && ls -d /etc/kubernetes /etc/cni /etc/cdi /opt/cni /var/lib/kubelet /var/lib/containerd \
    /var/lib/cni /var/lib/etcd /run/containerd 2>/dev/null || true
  grep -sF "$state" /run/nestor.sysctls || true
  echo "# configuration" && sha256sum /etc/hosts /etc/resolv.conf /etc/hostname 2>/dev/null || true
  echo "# state" && { [[ ! -e $state ]] || echo "$state is still there"; }
}

# Another node on this machine, started by somebody else?
others=false
[[ ! -e /run/nestor.sysctls ]] || others=true
