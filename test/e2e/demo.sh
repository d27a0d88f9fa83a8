#!/usr/bin/env bash
# `make demo`, after `make up`: a tenant cluster with one worker, and a pod in it that answers.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$nestor" get clusters demo >/dev/null 2>&1 || "$nestor" create cluster demo --workers 1 --wait
kubeconfig=$root/build/demo.kubeconfig
(umask 077 && "$nestor" kubeconfig demo >"$kubeconfig")
k() { kubectl --kubeconfig "$kubeconfig" "$@"; }
k wait node --all --for=condition=Ready --timeout=300s
k apply -f - <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: hello}
spec:
  containers:
  - name: hello
    image: registry.k8s.io/e2e-test-images/agnhost:2.66.1
    args: [netexec, --http-port=8080]
    readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
YAML
k wait pod hello --for=condition=Ready --timeout=180s
kubectl --kubeconfig "$kubeconfig" port-forward pod/hello :8080 >"$kubeconfig.forward" &
forward=$!
trap 'kill $forward; rm -f "$kubeconfig.forward"' EXIT
retry 30 grep -q Forwarding "$kubeconfig.forward" || die "port-forward does not start"
port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$kubeconfig.forward")
answer=$(curl --silent --max-time 20 "http://127.0.0.1:$port/hostname")
equal "the pod's answer" "$answer" hello
k get nodes -o wide
cat <<TEXT

A pod in the tenant cluster 'demo' answers: $answer

Go on:     export PATH=$(dirname "$nestor"):$root/build/assets/bin:\$PATH
           kubectl --kubeconfig $kubeconfig get nodes
           nestor describe cluster demo
Take down: make down
TEXT
