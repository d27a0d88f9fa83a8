#!/usr/bin/env bash
# The embedded management node: up makes a usable cluster, crashes heal, down leaves no trace.
# NESTOR names the program, NESTOR_ASSETS its assets (default: those of the build directory).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
nestor=${NESTOR:-$root/build/release/nestor}
[[ -x $nestor ]] || nestor=$root/build/dev/nestor
export NESTOR_ASSETS=${NESTOR_ASSETS:-$root/build/assets}
work=$(mktemp -d /tmp/nestor-node-test.XXXXXX)
state=$work/state
port=${NESTOR_TEST_PORT:-17443}
proxy=${NESTOR_TEST_PROXY_PORT:-17442}
export KUBECONFIG=$state/admin.kubeconfig
kubectl=$NESTOR_ASSETS/bin/kubectl

fail() {
  echo "FAIL: $*" >&2
  exit 1
}
step() { printf '%(%T)T  %s\n' -1 "$*"; }

finish() {
  "$nestor" down --state-dir "$state" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

# Everything on the machine that a node could leave behind. Where other nodes may come and go
# meanwhile, only what belongs to this one is looked at.
snapshot() {
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
  echo "# ports" && { ss -Hltn | awk '{print $4}' | grep -E ":($port|$proxy|10250|10248|2379)$" || true; }
  echo "# processes" && { pgrep -fa "$work" | grep -v node_test.sh || true; }
  echo "# files" && ls -d /etc/kubernetes /etc/cni /opt/cni /var/lib/kubelet /var/lib/containerd \
    /var/lib/cni /var/lib/etcd /run/containerd 2>/dev/null || true
  grep -sF "$work" /run/nestor.sysctls || true
  echo "# configuration" && sha256sum /etc/hosts /etc/resolv.conf /etc/hostname 2>/dev/null || true
  echo "# state" && ls "$work"
}

up() { "$nestor" up --state-dir "$state" --port "$port" --proxy-port "$proxy" --skip-chart; }
status() { "$nestor" status --state-dir "$state" "$@"; }

# The process that listens on the API's loopback port.
supervisor() { ss -Hltnp "sport = :$port" | grep -oP 'pid=\K[0-9]+' | head -1; }

others=false
[[ ! -e /run/nestor.sysctls ]] || others=true
before=$(snapshot)

step "up, killed while the control plane starts"
"$nestor" up --state-dir "$state" --port "$port" --proxy-port "$proxy" --skip-chart >/dev/null &
half=$!
for _ in $(seq 600); do [[ -e $state/root/kubernetes/manifests/etcd.yaml ]] && break; sleep 0.1; done
kill -9 "$half"
wait "$half" 2>/dev/null || true

step "up goes on"
up
status
[[ $(stat -c %a "$KUBECONFIG") == 600 ]] || fail "the kubeconfig can be read by others"
[[ $("$kubectl" get nodes -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}') == True ]] ||
  fail "the node is not ready"

step "a pod runs, speaks and resolves names"
"$kubectl" run probe --image registry.k8s.io/e2e-test-images/agnhost:2.66.1 \
  --image-pull-policy IfNotPresent -- netexec --http-port 8080 >/dev/null
"$kubectl" wait --for=condition=Ready pod/probe --timeout=60s >/dev/null
"$kubectl" logs probe | grep -q "Started HTTP server" || fail "no logs through the loopback port"
[[ $("$kubectl" exec probe -- hostname) == probe ]] || fail "no exec through the loopback port"
"$kubectl" exec probe -- nslookup -type=a kubernetes.default.svc.cluster.local. | grep -q 10.96.0.1 ||
  fail "a service's name is not resolved"
SECONDS=0
"$kubectl" exec probe -- nslookup example.org. >/dev/null 2>&1 && fail "a name outside was resolved"
[[ $SECONDS -le 2 ]] || fail "a name outside took $SECONDS s to fail"

step "the proxy reaches the sandbox and nothing else"
ip=$("$kubectl" get pod probe -o jsonpath='{.status.podIP}')
[[ $(curl -sp -m 5 -x "http://127.0.0.1:$proxy" "http://$ip:8080/hostname") == probe ]] ||
  fail "the pod is not reached through the proxy"
code=$(curl -sp -m 5 -o /dev/null -w '%{http_connect}' -x "http://127.0.0.1:$proxy" http://127.0.0.1:22/ || true)
[[ $code == 403 ]] || fail "the proxy let a foreign address pass ($code)"

step "a volume of the default class"
"$kubectl" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  restartPolicy: Never
  containers:
  - name: writer
    image: docker.io/library/busybox:1.36
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "echo hello >/data/file && cat /data/file"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
YAML
"$kubectl" wait --for=jsonpath='{.status.phase}'=Succeeded pod/writer --timeout=60s >/dev/null
[[ $("$kubectl" logs writer) == hello ]] || fail "the volume does not work"

step "no packet can leave the sandbox"
init=$(<"$state/init.pid")
nsenter --net="/proc/$init/ns/net" ip route get 192.0.2.2 >/dev/null 2>&1 &&
  fail "the sandbox has a route to the world"

step "up again changes nothing"
pid=$(supervisor)
up >/dev/null
[[ $(supervisor) == "$pid" ]] || fail "the supervisor was replaced"
if "$nestor" up --state-dir "$state.other" --port "$port" --proxy-port 17449 --skip-chart \
  2>"$work/error"; then
  fail "a taken port was not noticed"
fi
grep -q "127.0.0.1:$port" "$work/error" && grep -q -- --port "$work/error" ||
  fail "the error of a taken port does not help: $(<"$work/error")"
"$nestor" down --state-dir "$state.other" >/dev/null
rm "$work/error"

step "killing the supervisor takes everything with it; up heals"
kill -9 "$pid"
for _ in $(seq 50); do [[ -e /proc/$init ]] || break; sleep 0.1; done
[[ ! -e /proc/$init ]] || fail "the sandbox outlived its supervisor"
status >/dev/null && fail "status calls a dead node well"
up
"$kubectl" get pvc data >/dev/null || fail "the cluster lost its objects"

step "killing the sandbox: the supervisor makes it anew"
kill -9 "$(<"$state/init.pid")"
up
status >/dev/null || fail "the node did not heal"

step "down after a crash"
group=$(grep -oP '"cgroup":"\K[^"]+' "$state/node.json")
[[ -n $(find /sys/fs/cgroup -type d -name "$group") ]] || fail "the control group is not found"
kill -9 "$(supervisor)"
"$nestor" down --state-dir "$state"
after=$(snapshot)
diff <(echo "$before") <(echo "$after") || fail "down left traces"
"$nestor" down --state-dir "$state" >/dev/null || fail "down of nothing is an error"
step "all well"
