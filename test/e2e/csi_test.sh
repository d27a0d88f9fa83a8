#!/usr/bin/env bash
# Upstream's test of CSI drivers, on this machine, with `nestor csi-controller` beside it and `nestor
# csi-node` in a tenant's node, whose socket a pod relays.
port=16643
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"

none_left() {
  [[ -z $(m get pvc -l nestor.dev/csi-driver=csi.kubevirt.io --no-headers 2>/dev/null) &&
    -z $(m get pod -l kubevirt.io=hotplug-disk --no-headers 2>/dev/null) ]]
}

csi_sanity() {
  local bin=$work/bin folder=/var/lib/kubelet/csi-sanity relay=() address
  t demo -n kubevirt-csi-driver apply -f - <<EOF
apiVersion: v1
kind: Pod
metadata: {name: relay}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: host, hostPath: {path: /}}]
  containers:
  - name: main
    image: $agnhost
    command: [chroot, /host, systemd-socket-activate, --listen=9000, /usr/lib/systemd/systemd-socket-proxyd,
      /var/lib/kubelet/plugins/csi.kubevirt.io/csi.sock]
    securityContext: {privileged: true}
    volumeMounts: [{name: host, mountPath: /host, mountPropagation: HostToContainer}]
EOF
  t demo -n kubevirt-csi-driver wait pod relay --for=condition=Ready --timeout=120s
  relay=(kubectl --kubeconfig "$work/demo.kubeconfig" -n kubevirt-csi-driver exec relay -- chroot /host)
  "${relay[@]}" mkdir -p "$folder/mount" "$folder/staging"
  # The folders stay from one of its tests to the next.
  mkdir "$bin"
  printf '#!/bin/sh\necho "$1"\n' >"$bin/make"
  printf '#!/bin/sh\n' >"$bin/remove"
  cat >"$bin/check" <<EOF
#!/bin/sh
exec ${relay[@]} sh -c 'if test -f "\$1"; then echo file; elif test -d "\$1"; then echo directory; elif test -e "\$1"; then echo other; else echo not_found; fi' sh "\$1"
EOF
  chmod +x "$bin"/*
  t demo -n kubevirt-csi-driver port-forward pod/relay :9000 >"$work/forward" &
  client=$!
  "$nestor" csi-controller --endpoint "$work/csi.sock" --kubeconfig "$state/admin.kubeconfig" \
    --namespace default --cluster demo 2>"$work/csi-controller.log" &
  client+=" $!"
  listen() { [[ -S $work/csi.sock ]] && grep -qs Forwarding "$work/forward"; }
  retry 60 listen || die "the programs do not listen: $(<"$work/csi-controller.log")"
  address=$(sed -n 's/^Forwarding from \(127.0.0.1:[0-9]*\) .*/\1/p' "$work/forward")
  csi-sanity --csi.endpoint "dns:///$address" --csi.controllerendpoint "unix://$work/csi.sock" \
    --csi.mountdir "$folder/mount" --csi.stagingdir "$folder/staging" \
    --csi.createmountpathcmd "$bin/make" --csi.createstagingpathcmd "$bin/make" \
    --csi.removemountpathcmd "$bin/remove" --csi.removestagingpathcmd "$bin/remove" \
    --csi.checkpathcmd "$bin/check" --csi.testvolumesize $((1 << 30)) --csi.testvolumeexpandsize $((2 << 30)) \
    --ginkgo.no-color --ginkgo.timeout 15m >"$work/csi-sanity.log" 2>&1 || {
    cat "$work/csi-sanity.log" "$work/csi-controller.log"
    die "csi-sanity did not pass"
  }
  grep '^Ran ' "$work/csi-sanity.log"
  kill $client
  wait $client 2>/dev/null || true
  client=
  t demo -n kubevirt-csi-driver delete pod relay
  retry 120 none_left || die "csi-sanity's volumes are left"
}

start
create demo --workers 1
t demo -n kubevirt-csi-driver rollout status daemonset kubevirt-csi-node --timeout=180s
csi_sanity
n delete cluster demo
say "csi: done"
