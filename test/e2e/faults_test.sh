#!/usr/bin/env bash
# What goes wrong in a cluster that is used says so where a person looks, and mends itself when the
# cause goes.
port=11443
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/workloads.sh"

# told KUBECTL KIND NAME PATTERN: an event of that object matches; KUBECTL is `m` or `t demo`.
told() {
  local told
  told=$($1 get events --field-selector "involvedObject.kind=$2,involvedObject.name=$3" \
    -o jsonpath='{range .items[*]}{.reason}: {.message}{"\n"}{end}') && grep -qE "$4" <<<"$told"
}

no_address_left() {
  local number
  say "no address left in the pool"
  for number in $(seq 130); do
    echo "---
apiVersion: v1
kind: Service
metadata: {name: taken-$number, labels: {taken: all}}
spec: {type: LoadBalancer, ports: [{port: 80}]}"
  done | m apply -f - >/dev/null
  some_wait() { [[ $(m get services -l taken=all -o json | jq '[.items[] | select(.status.loadBalancer.ingress == null)] | length') -gt 0 ]]; }
  retry 120 some_wait || die "130 Services got an address each"
  t demo create service loadbalancer late --tcp 80:8080
  retry 60 told "t demo" Service late 'SyncLoadBalancerFailed: .*all [0-9]+ addresses of the load-balancer pool that clusters. Services may have are taken' ||
    die "nothing says that no address is left: $(t demo describe service late)"
  m delete services -l taken=all --wait=false >/dev/null
  t demo wait service late --for=jsonpath='{.status.loadBalancer.ingress[0].ip}' --timeout=120s
  t demo delete service late
}

quota() {
  say "a quota of the management cluster"
  m create quota disks --hard persistentvolumeclaims=0
  t demo get storageclass kubevirt -o json |
    jq 'del(.metadata.annotations,.metadata.uid,.metadata.resourceVersion) | .metadata.name = "at-once" | .volumeBindingMode = "Immediate"' |
    t demo apply -f -
  claim refused 1Gi Filesystem at-once
  retry 60 told "t demo" PersistentVolumeClaim refused 'ProvisioningFailed: .*exceeded quota' ||
    die "nothing says that a quota refuses: $(t demo describe pvc refused)"
  m delete quota disks
  t demo wait pvc refused --for=jsonpath='{.status.phase}'=Bound --timeout=180s
  t demo delete pvc refused
}

# A claim is kept in a folder of the management node. With a small file system there instead, the
# claim's room ends before the disk does.
disk_full() {
  local id path
  say "no room for a write where a disk is kept"
  claim data
  pod store 10m data
  ready store
  gone() { [[ -z $(t demo get volumeattachments -o name) ]]; }
  again() {
    t demo delete pod store
    retry 120 gone || die "the disk is not let go"
    "${@:-true}"
    pod store 10m data
    ready store
  }
  id=$(t demo get pvc data -o jsonpath='{.spec.volumeName}')
  path=$(m get pv "$(m get pvc "$id" -o jsonpath='{.spec.volumeName}')" -o jsonpath='{.spec.hostPath.path}{.spec.local.path}')
  in_node() { nsenter -t "$(pgrep -f "nestor node init --state $state")" -m "$@"; }
  again in_node mount -t tmpfs -o size=128m,mode=0777 small "$path"
  write() { t demo exec store -- dd if=/dev/zero of=/data/big bs=1M count=300 conv=fsync; }
  ! write 2>"$work/said" || die "more was written than there is room"
  grep -qiE 'no space left' "$work/said" || die "the pod is told: $(<"$work/said")"
  retry 60 told "t demo" PersistentVolumeClaim data 'VolumeConditionAbnormal: .*No space left' ||
    die "nothing says that there is no room: $(t demo describe pvc data)"
  in_node mount -o remount,size=1g "$path"
  again
  write 2>/dev/null || die "there is room, and nothing can be written"
  t demo delete pod store
  retry 120 gone || die "the disk is not let go"
  in_node umount "$path"
  t demo delete pvc data
}

charts() {
  say "an unknown chart, then one that fails"
  greet
  # on KIND: the message of the condition that the object's readiness comes from.
  on() { m get "$1" -o jsonpath='{range .items[*].status.conditions[*]}{.reason}: {.message}{"\n"}{end}'; }
  says() { grep -qE "$2" <<<"$(on "$1")"; }
  for kind in helmreleaseproxies helmchartproxies; do
    retry 60 says $kind 'greeting-chart' || die "$kind does not say that the chart is unknown: $(on $kind)"
  done
  greeting_chart nobody
  for kind in helmreleaseproxies helmchartproxies; do
    retry 120 says $kind 'a person to greet' || die "$kind does not have helm's words: $(on $kind)"
  done
  greeting_chart to
  greeted
  m delete helmchartproxy greeting --timeout=180s
  m delete configmap greeting-chart
}

pods() {
  say "a pod that fits on no node that could be made, and more pods than the group may grow to"
  t demo run impossible --image "$agnhost" --overrides '{"spec": {"tolerations": [{"operator": "Exists"}],
    "containers": [{"name": "impossible", "image": "'"$agnhost"'", "resources": {"requests": {"cpu": "64"}}}]}}'
  retry 60 told "t demo" Pod impossible 'NotTriggerScaleUp: .*Insufficient cpu' ||
    die "nothing says that the pod fits nowhere: $(t demo describe pod impossible)"
  pod first 600m
  pod second 600m
  beyond() { told "t demo" Pod first "$1" || told "t demo" Pod second "$1"; }
  retry 60 beyond 'NotTriggerScaleUp: .*max node group size reached' ||
    die "nothing says that the maximum is reached: $(t demo describe pod second)"
  grep -q 'cannot help' <<<"$(n describe nodegroup demo-workers)" ||
    die "the group does not say it: $(n describe nodegroup demo-workers)"
  t demo delete pod impossible
  t demo delete pod first
  ready second
  t demo delete pod second
}

# group_of IMAGE: a second group of machines with that image.
group_of() {
  helm --kubeconfig "$state/admin.kubeconfig" upgrade demo "$root/charts/cluster" --reuse-values \
    --set "nodeGroups.other.replicas=1,nodeGroups.other.cpu=1,nodeGroups.other.image=$1" >/dev/null
}

image() {
  say "an image that does not boot"
  group_of "$agnhost"
  said() { m get machines,kubevirtmachines -o json | jq -r '.items[].status.conditions[]? | "\(.reason): \(.message)"'; }
  sick() { grep -qE "$1" <<<"$(said)"; }
  retry 180 sick 'InfrastructureFailed: .*the container disk has 0 files in /disk' || die "the machine does not say that its image is wrong: $(n describe cluster demo)"
  grep -q 'InfrastructureFailed' <<<"$(n describe cluster demo)" || die "describe does not show it: $(n describe cluster demo)"
  group_of nestor.dev/worker:none
  retry 180 sick '(ErrImagePull|ImagePullBackOff): .*nestor.dev/worker:none' || die "the machine does not say that its image is missing: $(n describe cluster demo)"
  group_of "nestor.dev/worker:$(. "$root/upstream/versions" && echo "$KUBERNETES")"
  m wait machinedeployment demo-other --for=jsonpath='{.status.readyReplicas}'=1 --timeout=600s
  alone() { [[ $(m get machines -l cluster.x-k8s.io/deployment-name=demo-other -o name | wc -l) == 1 ]]; }
  retry 120 alone || die "machines of the wrong image are left: $(m get machines)"
}

# An agent is a pod of the tenant: what it shows as its token is up to the tenant.
agent() {
  local agent
  say "an agent with a wrong token"
  agent=$(t demo -n kube-system get daemonset konnectivity-agent -o json | jq '{apiVersion: "v1", kind: "Pod",
    metadata: {name: "stranger", namespace: "kube-system"}, spec: (.spec.template.spec
      | .volumes[0].projected.sources[0].serviceAccountToken.audience = "somebody-else" | .hostNetwork = false)}')
  t demo apply -f - <<<"$agent"
  retry 120 told "t demo -n kube-system" Pod stranger '^TokenRefused: ' ||
    die "nothing says that the token is refused: $(t demo -n kube-system describe pod stranger)"
  ! t demo -n kube-system wait pod stranger --for=condition=Ready --timeout=20s 2>/dev/null ||
    die "an agent without access is ready"
  server() { m logs -l kamaji.clastix.io/name=demo -c konnectivity-server --tail 50; }
  grep -q 'is refused: ' <<<"$(server)" || die "the server does not say that it refuses: $(server)"
  t demo -n kube-system delete pod stranger
}

start
cat >"$work/demo.yaml" <<EOF
labels: {tier: gold}
nodeGroups:
  workers: {min: 1, max: 1, cpu: 1, memory: 2Gi}
  kept: {min: 0, max: 1, cpu: 1, memory: 2Gi, taints: [{key: kept, value: "yes", effect: NoSchedule}]}
EOF
create demo -f "$work/demo.yaml"
no_address_left
quota
disk_full
charts
pods
image
agent
delete_cluster demo
