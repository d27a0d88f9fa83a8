#!/usr/bin/env bash
# The embedded management node: up makes a usable cluster, crashes heal, down leaves no trace.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

work=$(mktemp -d)
state=$work/state
port=17443
proxy=17442
export KUBECONFIG=$state/admin.kubeconfig
step() { printf '%(%T)T  %s\n' -1 "$*"; }

finish() {
  local code=$?
  "$nestor" down --state-dir "$state" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit $code
}
trap finish EXIT

up() { "$nestor" up --state-dir "$state" --port "$port" --proxy-port "$proxy" --skip-chart; }
status() { "$nestor" status --state-dir "$state" "$@"; }

before=$(snapshot "$state" $port $proxy)

step "a directory with somebody's files is left alone"
mkdir -p "$work/theirs/images"
refuses 'holds images and is no node' "$nestor" up --state-dir "$work/theirs" --skip-chart
refuses 'not a state directory' "$nestor" down --state-dir "$work/theirs"
[[ $(ls -A "$work/theirs") == images ]] || die "left in it: $(ls -A "$work/theirs")"

step "up, killed while the control plane starts"
# A proxy of the machine must not matter: nothing of the node is on its other side.
https_proxy=http://192.0.2.1:1 "$nestor" up --state-dir "$state" --port "$port" --proxy-port "$proxy" --skip-chart >/dev/null &
half=$!
begun() { [[ -e $state/root/kubernetes/manifests/etcd.yaml ]]; }
retry 60 begun || die "the control plane does not start"
kill -9 "$half"
wait "$half" 2>/dev/null || true

step "up goes on"
https_proxy=http://192.0.2.1:1 up
status
[[ $(stat -c %a "$KUBECONFIG") == 600 ]] || die "the kubeconfig can be read by others"
[[ $(kubectl get nodes -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}') == True ]] ||
  die "the node is not ready"

step "a pod runs, speaks and resolves names"
kubectl run probe --image registry.k8s.io/e2e-test-images/agnhost:2.66.1 \
  --image-pull-policy IfNotPresent -- netexec --http-port 8080 >/dev/null
kubectl wait --for=condition=Ready pod/probe --timeout=60s >/dev/null
# The container runs a moment before its first line is written.
said() { [[ $(kubectl logs probe) == *"Started HTTP server"* ]]; }
retry 30 said || die "no logs through the loopback port"
[[ $(kubectl exec probe -- hostname) == probe ]] || die "no exec through the loopback port"
kubectl exec probe -- nslookup -type=a kubernetes.default.svc.cluster.local. | grep -q 10.96.0.1 ||
  die "a service's name is not resolved"
# It must be told so at once: a pull that waits on a dead resolver holds up the pulls behind it.
if outside=$(kubectl exec probe -- nslookup -timeout=5 example.org. 2>&1); then
  die "a name outside was resolved: $outside"
fi
[[ $outside != *"timed out"* ]] || die "a name outside gets no answer: $outside"

step "the proxy reaches the sandbox and nothing else"
ip=$(kubectl get pod probe -o jsonpath='{.status.podIP}')
[[ $(curl -sp -m 5 -x "http://127.0.0.1:$proxy" "http://$ip:8080/hostname") == probe ]] ||
  die "the pod is not reached through the proxy"
code=$(curl -sp -m 5 -o /dev/null -w '%{http_connect}' -x "http://127.0.0.1:$proxy" http://127.0.0.1:22/ || true)
[[ $code == 403 ]] || die "the proxy let a foreign address pass ($code)"

step "a volume of the default class"
kubectl apply -f - >/dev/null <<'YAML'
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
kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/writer --timeout=60s >/dev/null
[[ $(kubectl logs writer) == hello ]] || die "the volume does not work"

step "no packet can leave the sandbox"
init=$(<"$state/init.pid")
nsenter --net="/proc/$init/ns/net" ip route get 192.0.2.2 >/dev/null 2>&1 &&
  die "the sandbox has a route to the world"

step "up again changes nothing"
pid=$(supervisor)
up >/dev/null
[[ $(supervisor) == "$pid" ]] || die "the supervisor was replaced"
"$nestor" up --state-dir "$state" --skip-chart >/dev/null || die "up without its options is refused"
if "$nestor" up --state-dir "$state.other" --port "$port" --proxy-port 17449 --skip-chart \
  2>"$work/error"; then
  die "a taken port was not noticed"
fi
grep -q "127.0.0.1:$port" "$work/error" && grep -q -- --port "$work/error" ||
  die "the error of a taken port does not help: $(<"$work/error")"
"$nestor" down --state-dir "$state.other" >/dev/null
rm "$work/error"

step "killing the supervisor takes everything with it; up heals"
kill -9 "$pid"
ended() { [[ ! -e /proc/$init ]]; }
retry 10 ended || die "the sandbox outlived its supervisor"
status >/dev/null && die "status calls a dead node well"
up
kubectl get pvc data >/dev/null || die "the cluster lost its objects"

step "killing the sandbox: the supervisor makes it anew"
kill -9 "$(<"$state/init.pid")"
up
status >/dev/null || die "the node did not heal"

step "down after a crash"
group=$(grep -oP '"cgroup":"\K[^"]+' "$state/node.json")
[[ -n $(find /sys/fs/cgroup -type d -name "$group") ]] || die "the control group is not found"
kill -9 "$(supervisor)"
echo mine >"$state/notes"
"$nestor" down --state-dir "$state"
[[ $(ls -A "$state") == notes ]] || die "left in the state directory: $(ls -A "$state")"
rm -r "$state"
after=$(snapshot "$state" $port $proxy)
diff <(echo "$before") <(echo "$after") || die "down left traces"
"$nestor" down --state-dir "$state" >/dev/null || die "down of nothing is an error"
step "all well"
