#!/usr/bin/env bash
# Disks of a tenant: a claim becomes a disk of the pod's node, keeps its content when the pod comes
# again and when it goes to another node, grows while it is used, is a raw device, and leaves nothing.
port=14543
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/workloads.sh"

capacity() { t demo get pvc "$1" -o jsonpath='{.status.capacity.storage}'; }
has_capacity() { [[ $(capacity "$1") == "$2" ]]; }
none_left() {
  [[ -z $(m get pvc -l nestor.dev/csi-driver=csi.kubevirt.io --no-headers 2>/dev/null) &&
    -z $(m get pod -l kubevirt.io=hotplug-disk --no-headers 2>/dev/null) ]]
}

start
cat >"$work/demo.yaml" <<EOF
nodeGroups:
  md-0: {replicas: 1, cpu: 2, memory: 2Gi, disk: 12Gi}
storageClasses:
  second: {infraStorageClass: local-path, fsType: xfs}
EOF
create demo -f "$work/demo.yaml"
# The image's file system has 6Gi.
room() { t demo get node -o jsonpath='{.items[0].status.capacity.ephemeral-storage}' | numfmt --from=auto; }
(($(room) > 11 << 30)) || die "the node has $(room) bytes, not 12Gi"
t demo -n kubevirt-csi-driver rollout status daemonset kubevirt-csi-node --timeout=180s
limit() { t demo get csinode -o jsonpath='{.items[0].spec.drivers[?(@.name=="csi.kubevirt.io")].allocatable.count}'; }
registered() { (($(limit) > 0)); }
retry 60 registered || die "the driver is not registered: $(t demo get csinode -o yaml)"

say "a claim, a pod with it, a file"
began=$SECONDS
claim data
pod writer 10m data
ready writer
say "claim to pod: $((SECONDS - began)) s"
t demo exec writer -- /agnhost mounttest --new_file_0644=/data/kept
t demo delete pod writer
pod reader 10m data
ready reader
[[ $(t demo exec reader -- /agnhost mounttest --file_content=/data/kept) == *"mount-tester"* ]] ||
  die "the file is gone"

say "what is used of it"
# bytes FIELD: of the claim `data`, as its node's kubelet tells.
bytes() {
  t demo get --raw "/api/v1/nodes/$(t demo get pod reader -o jsonpath='{.spec.nodeName}')/proxy/stats/summary" |
    jq -r ".pods[] | select(.podRef.name == \"reader\") | .volume[]? | select(.pvcRef.name == \"data\") | .$1Bytes"
}
counted() { (($(bytes capacity) > 900 << 20 && $(bytes used) > 0 && $(bytes available) > $(bytes used))); }
retry 120 counted || die "kubelet counts $(bytes used) of $(bytes capacity) bytes"

say "growing while it is used"
t demo patch pvc data --type merge -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
retry 180 has_capacity data 2Gi || die "the claim has $(capacity data)"

say "a raw device"
claim raw 1Gi Block
pod raw 10m raw Block
ready raw
t demo delete pod raw

say "to another node, with the data"
first=$(t demo get pod reader -o jsonpath='{.spec.nodeName}')
n scale demo --workers 2 --wait --timeout 900
t demo cordon "$first"
t demo delete pod reader
pod reader 10m data
ready reader
[[ $(t demo get pod reader -o jsonpath='{.spec.nodeName}') != "$first" ]] || die "not on another node"
[[ $(t demo exec reader -- /agnhost mounttest --file_content=/data/kept) == *"mount-tester"* ]] ||
  die "the file is gone"
t demo uncordon "$first"

say "a class that is missing here is said, and mends itself"
t demo get storageclass kubevirt -o json |
  jq 'del(.metadata.annotations,.metadata.uid,.metadata.resourceVersion) | .metadata.name="other" | .parameters.infraStorageClassName="missing" | .volumeBindingMode="Immediate"' |
  t demo apply -f -
claim late 1Gi Filesystem other
said() { t demo get events --field-selector reason=ProvisioningFailed -o jsonpath='{.items[*].message}' | grep -q missing; }
retry 60 said || die "nothing says that the class is missing"
m get storageclass local-path -o json |
  jq 'del(.metadata.annotations,.metadata.uid,.metadata.resourceVersion) | .metadata.name="missing"' | m apply -f -
t demo wait pvc late --for=jsonpath='{.status.phase}'=Bound --timeout=120s
m delete storageclass missing

say "nothing is left"
t demo delete pod reader
t demo delete pvc data raw late --timeout=120s
retry 120 none_left || die "claims or attachment pods are left"
claim last 1Gi Filesystem second
pod last 10m last
ready last
[[ $(t demo exec last -- cat /proc/mounts) == *" /data xfs "* ]] || die "no xfs: $(t demo exec last -- cat /proc/mounts)"
n delete cluster demo
retry 120 none_left || die "a claim outlived its cluster"
say "disks: done"
