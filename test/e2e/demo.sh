#!/usr/bin/env bash
# `make demo`, after `make up`: a tenant cluster with one worker, and a pod in it that answers.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$nestor" get clusters demo >/dev/null 2>&1 || "$nestor" create cluster demo --workers 1 --wait
kubeconfig=$root/build/demo.kubeconfig
(umask 077 && "$nestor" kubeconfig demo >"$kubeconfig")
k() { kubectl --kubeconfig "$kubeconfig" "$@"; }
k wait node --all --for=condition=Ready --timeout=300s
k get pod hello >/dev/null 2>&1 ||
  k run hello --image=registry.k8s.io/e2e-test-images/agnhost:2.66.1 --port=8080 -- netexec --http-port=8080
k wait pod hello --for=condition=Ready --timeout=180s
answer=$(k exec hello -- wget -q -T 10 -O - http://127.0.0.1:8080/hostname)
equal "the pod's answer" "$answer" hello
k get nodes -o wide
cat <<TEXT

A pod in the tenant cluster 'demo' answers: $answer

Go on:     export KUBECONFIG=$kubeconfig
           kubectl get nodes
           $nestor describe cluster demo
Take down: make down
TEXT
