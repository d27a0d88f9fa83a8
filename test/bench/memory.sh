#!/usr/bin/env bash
# test/bench/memory.sh [TENANTS]: resident memory of the manager with one tenant and with TENANTS (10),
# everything on, and of the other processes of ours; in KiB. The first tenant has a node; each has a
# group that the autoscaler looks after, a load balancer and a claim.
port=19443
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/clusters.sh"
tenants=${1:-10}

# resident ROLE: of each process of that role, now and at most.
resident() {
  local process
  for process in $(processes "nestor $1 "); do
    [[ $(readlink "/proc/$process/exe") == */nestor ]] || continue
    awk -v role="$1" '/^VmHWM/ {peak = $2} /^VmRSS/ {now = $2} END {printf "%-20s %8d (at most %d)\n", role, now, peak}' \
      "/proc/$process/status"
  done
}

# Control planes ask for little, so that all find room on a small machine.
small=()
for part in apiServer controllerManager scheduler; do
  small+=(--set "controlPlane.$part.resources.requests.cpu=5m")
done

# A group that the autoscaler watches, and that grows for nobody: no pod tolerates its taint.
grows=(--set nodeGroups.kept.min=0 --set nodeGroups.kept.max=1
  --set 'nodeGroups.kept.taints[0].key=kept' --set 'nodeGroups.kept.taints[0].effect=NoSchedule')

# use TENANT: a load balancer with its address, and a claim.
use() {
  t "$1" create service loadbalancer outside --tcp 80:8080 >/dev/null
  t "$1" apply -f - >/dev/null <<'E'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 16Mi}}}
E
  t "$1" wait service outside --for=jsonpath='{.status.loadBalancer.ingress[0].ip}' --timeout=300s >/dev/null
}

start
create tenant-1 --workers 1 --cpu 1 "${small[@]}" "${grows[@]}"
use tenant-1
say "one tenant"
resident manager
for role in vm-launcher konnectivity-server konnectivity-agent csi-node vm-attach; do resident $role; done
for ((i = 2; i <= tenants; i++)); do n create cluster "tenant-$i" --workers 0 "${small[@]}" "${grows[@]}"; done
for ((i = 2; i <= tenants; i++)); do
  m wait cluster "tenant-$i" --for=condition=ControlPlaneAvailable --timeout=900s >/dev/null
done
# What a new tenant gets is there when its name server's Deployment is.
for ((i = 2; i <= tenants; i++)); do
  n kubeconfig "tenant-$i" >"$work/tenant-$i.kubeconfig"
  retry 120 t "tenant-$i" -n kube-system get deployment coredns >/dev/null
  use "tenant-$i"
done
say "$tenants tenants"
resident manager
