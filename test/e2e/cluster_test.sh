#!/usr/bin/env bash
# From nothing to pods in a tenant cluster, and back to nothing; and what is refused on the way.
port=16443
source "$(dirname "${BASH_SOURCE[0]}")/way.sh"

refuse_before_up
start

say "an up whose helm is killed, and the next one"
n up >/dev/null 2>&1 &
client=$!
helm_process() { pgrep -f "helm --kubeconfig $state/admin.kubeconfig upgrade"; }
retry 60 helm_process >/dev/null || die "up runs no helm"
kill -9 "$(helm_process)"
wait $client && die "up did not notice that its helm was killed"
client=
n up || die "up does not go on after its helm was killed"

refuse
way
refuses 'already exists' n create cluster beside
