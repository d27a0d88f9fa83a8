#!/usr/bin/env bash
# Upstream's example of a Kamaji control plane with KubeVirt workers gives a Ready node, when only
# its versions, image names and sizes are changed. Skipped where the manifests are not at hand.
port=14443
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"

manifests=$root/../shared/manifests
if [[ ! -d $manifests ]]; then
  echo "  no $manifests"
  exit 77
fi
version=$(. "$root/upstream/versions" && echo "${KUBERNETES#v}")

ours() {
  sed -e "s/1\.34\.1/$version/" -e 's/guest: 4Gi/guest: 2Gi/' \
    -e "s|quay.io/capk/ubuntu-2404-container-disk:|nestor.dev/worker:|" "$manifests/$1"
}

start
cluster=capi-quickstart
# As `kubectl apply` on a person's machine does it: once to make, once more to change nothing.
for try in once again; do
  for part in controlplane workers; do
    ours capi-kamaji-kubevirt-$part.yaml | m apply -f - || die "apply $try: $part"
  done
done
m wait machinedeployment capi-quickstart-md-0 --for=condition=Available --timeout=900s
n kubeconfig $cluster >"$work/$cluster.kubeconfig"
t $cluster wait node --all --for=condition=Ready --timeout=120s
equal "nodes" "$(t $cluster get nodes -o name | wc -l)" 1
t $cluster -n kube-system rollout status deployment coredns --timeout=240s
# What the manifest asks of kubelet reaches it.
equal "crash loops held back" \
  "$(t $cluster -n kube-system get configmap kubelet-config -o jsonpath='{.data.kubelet}' | grep -c 'KubeletCrashLoopBackOffMax: false')" 1
m delete cluster $cluster --timeout=300s
