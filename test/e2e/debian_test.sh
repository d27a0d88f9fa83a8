#!/usr/bin/env bash
# Another machine: Debian 13 with control groups of version 2 only, in an emulated one of its own. `nestor up`, a tenant's
# control plane, `nestor down`. The worker image is the machine's system; what Nestor needs comes on a second disk.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

work=$(mktemp -d)
finish() {
  local code=$?
  trap - EXIT
  kill "${machine:-}" 2>/dev/null && wait "$machine" 2>/dev/null || true
  ((code == 0)) || tail -n 60 "$work/console" 2>/dev/null || true
  rm -rf "$work"
  exit $code
}
trap finish EXIT
trap "exit 143" INT TERM

# What is in the folder `project` there.
project() {
  local archive library
  mkdir -p "$1"/{lib,release,assets/bin,assets/images}
  cp "$nestor" "$1/release"
  # The system's own are of another Debian.
  for library in $(ldd "$nestor" | grep -oE '/[^ ]*/lib(fmt|yaml-cpp|prometheus)[^ ]*'); do cp -L "$library" "$1/lib"; done
  for program in containerd containerd-shim-runc-v2 ctr runc kubelet kubeadm kubectl helm; do
    cp -L "$root/build/assets/bin/$program" "$1/assets/bin"
  done
  cp -rL "$root/build/assets/cni" "$1/assets"
  for archive in "$root"/build/assets/images/*.tar; do
    [[ $archive == */worker.tar || $archive == */vm-launcher.tar ]] || cp -L "$archive" "$1/assets/images"
  done
  cp -r "$root/charts" "$1/assets/charts"
  inside >"$1/run"
}

# The program that the machine runs.
inside() {
  cat <<'EOF'
exec >/dev/ttyS0 2>&1
set -eu
trap 'echo "ENDED $?"; poweroff' EXIT
cp -d /project/lib/* /usr/local/lib
ldconfig
export PATH=/project/release:/project/assets/bin:$PATH HOME=/root
export NESTOR_ASSETS=/project/assets
[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
traces() {
  find /sys/fs/cgroup -type d -name 'nestor*'
  findmnt -rno TARGET | sort
  ip -br link
  ls /project
}
traces >/tmp/before
nestor up --state-dir /project/state
nestor create cluster demo --workers 0 --wait --timeout 1800 --state-dir /project/state
nestor kubeconfig demo --state-dir /project/state >/tmp/demo
kubectl --kubeconfig /tmp/demo get namespace kube-system
# Limits are the pods' own, as kubelet sets them.
find /sys/fs/cgroup/nestor-*/kubepods -name memory.max | xargs grep -lv max | grep -q /pod
nestor delete cluster demo --state-dir /project/state
nestor down --state-dir /project/state
traces | diff /tmp/before -
echo "ALL IS WELL"
EOF
}

"$root/images/qemu"
say "the machine's disks"
tar xf "$root/build/assets/images/worker.tar" -C "$work" --wildcards --strip-components=1 '*/layer.tar'
tar xf "$work/layer.tar" -C "$work"
rm "$work/layer.tar"
qemu-img create -q -f qcow2 -b disk/disk.qcow2 -F qcow2 "$work/root.qcow2"
project "$work/project"
truncate -s 12G "$work/project.img"
mke2fs -q -L project -d "$work/project" "$work/project.img"
rm -r "$work/project"

say "the machine runs"
# Its services for a worker stay out of the way. No network: it has nobody to speak to.
options="$(<"$work/boot/cmdline") console=ttyS0"
for unit in containerd kubelet cloud-init-local cloud-init-network cloud-config cloud-final; do
  options+=" systemd.mask=$unit.service"
done
options+=" systemd.run=\"/bin/sh -c 'mkdir /project && mount LABEL=project /project && exec bash /project/run'\""
"$root/build/assets/qemu/qemu-system-x86_64" -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 6G -nic none -display none \
  -no-reboot -kernel "$work/boot/vmlinuz" -initrd "$work/boot/initrd" -append "$options" \
  -drive "file=$work/root.qcow2,if=virtio" -drive "file=$work/project.img,format=raw,if=virtio,cache=unsafe" \
  -serial "file:$work/console" -monitor none -device virtio-rng-pci &
machine=$!
wait "$machine"
machine=
grep -aE '✓|ENDED' "$work/console" | sed 's/.*✓/  ✓/'
grep -qa "ALL IS WELL" "$work/console" || die "it did not come to its end"
say "debian: done"
