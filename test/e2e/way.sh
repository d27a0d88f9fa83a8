# shellcheck shell=bash
# The whole way of a tenant cluster, run by cluster_test.sh in peace and by crash_test.sh under
# kills: a management cluster, a cluster `beside` that must never notice, and `demo`, which is made,
# used, scaled, used across its nodes, scaled back and deleted.
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"

# Wrong input: one clear message each, and a code that is not 0.
refuse_before_up() {
  # A copy that anybody may run.
  install -m 755 "$nestor" /tmp/nestor-refused && chmod 711 "$work"
  refuses 'must run as root' setpriv --reuid=65534 --clear-groups /tmp/nestor-refused up --state-dir "$state"
  refuses 'must run as root' setpriv --reuid=65534 --clear-groups /tmp/nestor-refused down --state-dir "$state"
  rm /tmp/nestor-refused
  refuses 'nestor up' n get clusters
  refuses 'nestor up' n status
}

refuse() {
  refuses 'must be at most' n create cluster Bad_Name
  refuses 'must look like' n create cluster demo --kubernetes-version latest
  refuses 'from 1Gi' n create cluster demo --memory 10Mi
  refuses 'the largest has' n create cluster demo --memory 4Ti
  refuses 'no worker image' n create cluster demo --kubernetes-version v1.30.0
  refuses 'no namespace' n create cluster demo --namespace nowhere
  n create cluster demo --dry-run -o yaml >"$work/dry.yaml" && m apply --dry-run=server -f "$work/dry.yaml" >/dev/null ||
    die "what --dry-run prints is refused"
  equal "clusters after --dry-run" "$(m get clusters -o name)" ""
  refuses "unknown command 'clsuters'" n get clsuters
  refuses 'no values file' n create cluster -f /nonexistent demo
  refuses 'no cluster' n kubeconfig nowhere
  refuses 'no cluster' n describe cluster nowhere
  refuses 'no cluster' n scale nowhere --workers 2
  refuses 'no cluster' n delete cluster nowhere
  refuses 'no virtual machine' n console nowhere
}

use_the_cluster() {
  local pod answer forward
  say "a Deployment of two pods with a Service"
  t demo create deployment web --replicas 2 --image $agnhost -- /agnhost netexec --http-port=8080
  t demo expose deployment web --port 80 --target-port 8080
  t demo rollout status deployment web --timeout=240s
  t demo -n kube-system rollout status deployment coredns --timeout=240s
  pod=$(t demo get pods -l app=web -o jsonpath='{.items[0].metadata.name}')
  say "exec, logs, the Service by its name, port-forward"
  equal "exec" "$(t demo exec "$pod" -- hostname)" "$pod"
  # The container runs a moment before its first line is written.
  started() { [[ $(t demo logs "$pod") == *"Started HTTP server"* ]]; }
  retry 60 started || die "no log of $pod"
  # The name goes through CoreDNS, the Service's address through kube-proxy.
  retry 60 answers demo "$pod" web.default.svc.cluster.local:80 || die "the Service does not answer"
  kubectl --kubeconfig "$work/demo.kubeconfig" port-forward "pod/$pod" :8080 >"$work/forward" &
  forward=$!
  retry 120 grep -qs Forwarding "$work/forward" || die "port-forward does not start"
  answer=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$work/forward")
  answer=$(curl --silent --max-time 20 "http://127.0.0.1:$answer/hostname") ||
    die "port-forward does not answer"
  kill $forward
  wait $forward 2>/dev/null || true
  equal "port-forward" "$answer" "$pod"
  say "metrics-server"
  measured() { t demo top nodes 2>/dev/null | grep -q '^demo-'; }
  retry 120 measured || die "kubectl top: $(t demo top nodes 2>&1; t demo get apiservice v1beta1.metrics.k8s.io -o yaml 2>&1)"
}

endpoint() {
  m get cluster "$1" -o jsonpath='{.spec.controlPlaneEndpoint.host}:{.spec.controlPlaneEndpoint.port}'
}

# A pod of the tenant sends from its machine: that reaches its own control plane, and neither another
# tenant nor the management cluster (docs/adr/0007-fence.md).
stay_inside() {
  local pod target
  say "its own control plane answers a pod; nobody else's does"
  pod=$(t demo get pods -l app=web -o jsonpath='{.items[0].metadata.name}')
  answers demo "$pod" "$(endpoint demo)" || die "the pod does not reach its own control plane"
  for target in "$(endpoint beside)" 192.168.250.2:6443 192.168.250.2:10250 \
    "$(m get vmi -l cluster.x-k8s.io/cluster-name=beside \
      -o jsonpath='{.items[0].status.interfaces[0].ipAddress}'):10250" \
    "$(m -n kube-system get pod -l k8s-app=kube-dns -o jsonpath='{.items[0].status.podIP}'):8080"; do
    [[ $target =~ ^[0-9.]+:[0-9]+$ ]] || die "no address: '$target'"
    ! answers demo "$pod" "$target" 2>/dev/null || die "a pod of the tenant reaches $target"
  done
}

cross_the_nodes() {
  local node pods=() address
  n scale demo --workers 2 --wait --timeout 900
  t demo wait node --all --for=condition=Ready --timeout=120s
  equal "nodes" "$(t demo get nodes -o name | wc -l)" 2
  say "a pod on each node reaches the other"
  for node in $(t demo get nodes -o jsonpath='{.items[*].metadata.name}'); do
    pods+=("on-$node")
    t demo run "on-$node" --image $agnhost --overrides "{\"spec\":{\"nodeName\":\"$node\"}}" -- \
      netexec --http-port=8080
  done
  t demo wait pod "${pods[@]}" --for=condition=Ready --timeout=240s
  for node in 0 1; do
    address=$(t demo get pod "${pods[1 - node]}" -o jsonpath='{.status.podIP}')
    retry 60 answers demo "${pods[node]}" "$address:8080" ||
      die "${pods[node]} does not reach ${pods[1 - node]}"
  done
  n scale demo --workers 1 --wait --timeout 600
  # The Deployment's pods are all on the node that is left, as soon as they run again.
  one_node() { [[ $(t demo get nodes -o name | wc -l) == 1 ]]; }
  retry 120 one_node || die "scaled to 1, but the nodes are: $(t demo get nodes)"
  equal "machines" "$(m get machines -l cluster.x-k8s.io/cluster-name=demo -o name | wc -l)" 1
  t demo rollout status deployment web --timeout=240s
}

way() {
  local beside
  create beside --workers 1 --cpu 1
  beside=$(fingerprint beside)
  create demo --workers 1 --cpu 1
  equal "nodes" "$(t demo get nodes -o name | wc -l)" 1
  use_the_cluster
  stay_inside
  cross_the_nodes
  delete_cluster demo
  diff <(echo "$beside") <(fingerprint beside) || die "the cluster beside was touched"
  t beside wait node --all --for=condition=Ready --timeout=60s
}
