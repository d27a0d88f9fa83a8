#!/usr/bin/env bash
# test/bench/memory.sh [TENANTS]: resident memory of the manager with one tenant and with TENANTS (10),
# everything on, and of the other processes of ours; in KiB. The first tenant has a node.
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

start
create tenant-1 --workers 1 --cpu 1 "${small[@]}"
say "one tenant"
resident manager
for role in vm-launcher konnectivity-server konnectivity-agent csi-node vm-attach; do resident $role; done
for ((i = 2; i <= tenants; i++)); do n create cluster "tenant-$i" --workers 0 "${small[@]}"; done
for ((i = 2; i <= tenants; i++)); do
  m wait cluster "tenant-$i" --for=condition=ControlPlaneAvailable --timeout=900s >/dev/null
done
# What a new tenant gets is there when its name server's Deployment is.
for ((i = 2; i <= tenants; i++)); do
  n kubeconfig "tenant-$i" >"$work/tenant-$i.kubeconfig"
  retry 120 t "tenant-$i" -n kube-system get deployment coredns >/dev/null
done
say "$tenants tenants"
resident manager
