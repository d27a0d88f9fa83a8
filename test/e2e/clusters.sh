# shellcheck shell=bash
# A management cluster on this machine and tenants in it, for a test; taken down again at its end.
# The tests set `port` (of the management API) before they source this file.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

agnhost=registry.k8s.io/e2e-test-images/agnhost:2.66.1
work=$(mktemp -d)
state=$work/state

n() { "$nestor" "$@" --state-dir "$state"; }
# m: the management cluster's kubectl; t CLUSTER: a tenant's.
m() { kubectl --kubeconfig "$state/admin.kubeconfig" "$@"; }
t() { kubectl --kubeconfig "$work/$1.kubeconfig" "${@:2}"; }

# What the clusters looked like, for the log of a failed test.
show() {
  say "what the clusters looked like:"
  {
    m get cluster,machines,vmi,pods,svc -A -o wide
    for name in $(m get clusters -o jsonpath='{.items[*].metadata.name}'); do
      n describe cluster "$name"
      [[ -s $work/$name.kubeconfig ]] && t "$name" get nodes,pods -A -o wide --request-timeout=10s
    done
    m -n nestor-system logs deploy/nestor-manager --tail 60
  } 2>&1 | sed 's/^/    /'
}

# What went wrong with machines and was mended on the way: in the log of a test that passed, too.
machine_warnings() {
  m get events -A --field-selector type=Warning --request-timeout=10s \
    -o jsonpath='{range .items[*]}{.involvedObject.kind}/{.involvedObject.name} {.reason}: {.message}{"\n"}{end}' |
    grep -E '^(Machine|KubevirtMachine|VirtualMachine|VirtualMachineInstance|Pod/virt-launcher)' | sort -u | sed 's/^/    /'
}

finish() {
  local code=$?
  trap - EXIT
  # They may have done their work already.
  kill ${killer:-} ${client:-} 2>/dev/null || true
  ((code == 0)) || show || true
  machine_warnings || true
  "$nestor" down --state-dir "$state" || code=1
  diff <(echo "$machine_before") <(snapshot "$state" "$port" $((port - 1))) || {
    say "FAILED: down left traces"
    code=1
  }
  rm -rf "$work"
  exit $code
}

start() {
  machine_before=$(snapshot "$state" "$port" $((port - 1)))
  trap finish EXIT
  trap "exit 143" INT TERM
  "$nestor" up --state-dir "$state" --port "$port" --proxy-port $((port - 1))
  group=$(grep -oP '"cgroup":"\K[^"]+' "$state/node.json")
}

# create CLUSTER FLAG...: until its workers are Ready; its kubeconfig is kept for `t`.
create() {
  n create cluster "$1" --wait --timeout 900 "${@:2}"
  n kubeconfig "$1" >"$work/$1.kubeconfig"
  t "$1" wait node --all --for=condition=Ready --timeout=120s
}

# All that tells whether somebody has touched a cluster: which objects and processes it consists of.
fingerprint() {
  m get cluster,kubevirtcluster,kamajicontrolplanes,tcp,md,machineset,machine,kubevirtmachine,vm,vmi,secret,svc \
    -l "cluster.x-k8s.io/cluster-name=$1" --no-headers \
    -o custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid,G:.metadata.generation | LC_ALL=C sort
  m get pod --no-headers -o custom-columns=N:.metadata.name,U:.metadata.uid | grep "^$1-" | LC_ALL=C sort
  t "$1" get nodes --no-headers -o custom-columns=N:.metadata.name,U:.metadata.uid,B:.status.nodeInfo.bootID
}

# answers CLUSTER POD HOST:PORT: from that pod.
answers() { t "$1" exec "$2" -- /agnhost connect "$3" --timeout=5s; }

# etcd COMMAND...: on the tenants' store, as its administrator.
etcd() {
  local key address
  for key in tls.crt tls.key; do
    (umask 077 && m -n nestor-system get secret nestor-etcd -o json | jq -r ".data[\"$key\"]" | base64 -d >"$work/$key")
  done
  address=$(m -n nestor-system get pod nestor-etcd-0 -o jsonpath='{.status.podIP}')
  nsenter -t "$(pgrep -f "nestor node init --state $state")" -n etcdctl --endpoints "https://$address:2379" \
    --insecure-skip-tls-verify --cert "$work/tls.crt" --key "$work/tls.key" "$@"
}

# among LINES: those of the input that are one of them.
among() { grep -xF -f <(sed '/^$/d' <<<"$1") || true; }

# delete_cluster CLUSTER: and nothing is left of it: objects, volumes, pods of its disks, stored data.
delete_cluster() {
  local cluster=$1 mine="-l cluster.x-k8s.io/cluster-name=$1" schema volumes instances
  schema=$(m get tcp "$cluster" -o jsonpath='{.status.storage.setup.schema}')
  volumes=$(m get pvc $mine -o jsonpath='{range .items[*]}persistentvolume/{.spec.volumeName}{"\n"}{end}')
  instances=$(m get vmi $mine -o jsonpath='{range .items[*]}{.metadata.uid}{"\n"}{end}')
  [[ $schema && $(etcd user list) == *"$schema"* ]] || die "the store does not know $cluster"
  n delete cluster "$cluster" --timeout 600
  left() {
    m get cluster,kubevirtcluster,kamajicontrolplanes,tcp,md,machineset,machine,kubevirtmachine,kubevirtmachinetemplate,kubeadmconfig,kubeadmconfigtemplate,mhc,vm,vmi,hcp,hrp,secret,configmap,serviceaccount,role,rolebinding,svc,endpointslices,pods,pvc \
      -o name >"$work/objects" || echo "the management cluster does not answer"
    grep -E "/(sh\.helm\.release\.v1\.)?$cluster([-.]|\$)" "$work/objects" || true
    m get all,pvc,secret,endpointslices $mine -o name
    m get pv -o name | among "$volumes"
    m get pods -l kubevirt.io=hotplug-disk \
      -o jsonpath='{range .items[*]}{.metadata.labels.kubevirt\.io/created-by}{"\n"}{end}' | among "$instances"
    { etcd user list && etcd role list; } >"$work/stored" || echo "the store does not answer"
    among "$schema" <"$work/stored"
    etcd get "/$schema/" --prefix --keys-only --limit 1 || echo "the store does not answer"
  }
  # The garbage collector takes the pods of the control plane a moment later.
  nothing_left() { [[ -z $(left) ]]; }
  retry 120 nothing_left || die "left of the cluster: $(left)"
}

# processes TEXT: those of this test's node that have TEXT in their command line.
processes() {
  local process command
  for process in /proc/[0-9]*; do
    command=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
    if [[ $command == *"$1"* ]] && grep -qs "$group" "$process/cgroup"; then echo "${process#/proc/}"; fi
  done
}
managers() { processes "nestor manager "; }
# machine_process MACHINE: of its virtual machine.
machine_process() { processes "qemu-system-x86_64 -name guest=$1 "; }

# under_kills N SECONDS COMMAND...: it runs while the manager is killed, N times at least, after
# pauses of up to SECONDS, to its end. SEED repeats a run's moments.
under_kills() {
  local wanted=$1 kills restarts
  seed=${SEED:-$RANDOM}
  say "SEED=$seed"
  RANDOM=$seed
  echo 0 >"$work/kills"
  kill_at_random "$2" &
  killer=$!
  "${@:3}"
  enough() { (($(<"$work/kills") >= wanted)); }
  retry $((wanted * $2)) enough || die "the manager was killed $(<"$work/kills") times only"
  kill "$killer"
  wait "$killer" 2>/dev/null || true
  killer=
  kills=$(<"$work/kills")
  restarts() {
    restarts=$(m -n nestor-system get pods -l app.kubernetes.io/component=manager \
      -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}')
    ((restarts >= kills))
  }
  retry 120 restarts || die "killed $kills times, the manager was started again $restarts times only"
}

kill_at_random() {
  local pid kills=0
  trap 'kill $(jobs -p); exit' TERM
  while :; do
    sleep "$((RANDOM % $1)).$((RANDOM % 10))" &
    wait $!
    for pid in $(managers); do
      kill -9 "$pid" && kills=$((kills + 1)) && echo "$kills" >"$work/kills" && say "manager killed ($kills)"
    done
  done
}
