#!/usr/bin/env bash
# The whole way: from nothing to pods in a tenant cluster, and back to nothing.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

work=$(mktemp -d)
state=$work/state
port=16443
finish() {
  local code=$?
  if ((code != 0)); then
    say "what the clusters looked like:"
    kubectl --kubeconfig "$state/admin.kubeconfig" get pods,svc -A -o wide 2>&1 | sed 's/^/    /' || true
    "$nestor" describe cluster demo --state-dir "$state" 2>&1 | sed 's/^/    /' || true
    kubectl --kubeconfig "$state/admin.kubeconfig" -n nestor-system logs deploy/nestor-manager --tail 60 2>&1 |
      sed 's/^/    /' || true
  fi
  "$nestor" down --state-dir "$state" || code=1
  rm -rf "$work"
  exit $code
}
trap finish EXIT

n() { "$nestor" "$@" --state-dir "$state"; }
t() { kubectl --kubeconfig "$work/tenant.kubeconfig" "$@"; }

refuses 'nestor up' n get clusters
"$nestor" up --state-dir "$state" --port $port --proxy-port $((port - 1))
refuses 'must be at most' n create cluster Bad_Name
refuses 'must look like' n create cluster demo --kubernetes-version latest
refuses 'from 1Gi' n create cluster demo --memory 10Mi
refuses 'no cluster' n kubeconfig nowhere
refuses 'no cluster' n delete cluster nowhere

n create cluster demo --workers 1 --wait --timeout 600
refuses 'already exists' n create cluster demo
n kubeconfig demo >"$work/tenant.kubeconfig"
t wait node --all --for=condition=Ready --timeout=120s
equal "nodes" "$(t get nodes -o name | wc -l)" 1

say "a Deployment of two pods with a Service"
t create deployment web --replicas 2 --image registry.k8s.io/e2e-test-images/agnhost:2.66.1 -- \
  /agnhost netexec --http-port=8080
t expose deployment web --port 80 --target-port 8080
t rollout status deployment web --timeout=240s
t -n kube-system rollout status deployment coredns --timeout=240s
pod=$(t get pods -l app=web -o jsonpath='{.items[0].metadata.name}')
equal "exec" "$(t exec "$pod" -- hostname)" "$pod"
[[ $(t logs "$pod") == *"Started HTTP server"* ]] || die "no log of $pod"
# The name goes through CoreDNS, the Service's address through kube-proxy.
answers() { t exec "$pod" -- /agnhost connect web.default.svc.cluster.local:80 --timeout=5s; }
retry 60 answers || die "the Service does not answer"
say "port-forward"
kubectl --kubeconfig "$work/tenant.kubeconfig" port-forward deployment/web "$((port + 1))":8080 >"$work/forward.log" &
forward=$!
retry 30 grep -q Forwarding "$work/forward.log" || die "port-forward does not start"
answer=$(curl --silent --max-time 20 "http://127.0.0.1:$((port + 1))/hostname") || die "port-forward does not answer"
kill "$forward"
wait "$forward" 2>/dev/null || true
[[ $answer == web-* ]] || die "port-forward answered '$answer'"

n delete cluster demo --timeout 300
left() { kubectl --kubeconfig "$state/admin.kubeconfig" get vm,vmi,tcp,machines,secrets,pods -n default -o name; }
# The garbage collector takes the pods of the control plane a moment later.
nothing_left() { [[ -z $(left) ]]; }
retry 60 nothing_left || die "left of the cluster: $(left)"
