#!/usr/bin/env bash
# From nothing to pods in a tenant cluster, and back to nothing; and what is refused on the way.
port=16443
source "$(dirname "${BASH_SOURCE[0]}")/way.sh"

# A copy that anybody may run.
install -m 755 "$nestor" /tmp/nestor-refused && chmod 711 "$work"
refuses 'must run as root' setpriv --reuid=65534 --clear-groups /tmp/nestor-refused up --state-dir "$state"
refuses 'must run as root' setpriv --reuid=65534 --clear-groups /tmp/nestor-refused down --state-dir "$state"
rm /tmp/nestor-refused
refuses 'nestor up' n get clusters
refuses 'nestor up' n status
start
refuses 'must be at most' n create cluster Bad_Name
refuses 'must look like' n create cluster demo --kubernetes-version latest
refuses 'from 1Gi' n create cluster demo --memory 10Mi
refuses 'the largest has' n create cluster demo --memory 4Ti
refuses 'no worker image' n create cluster demo --kubernetes-version v1.30.0
refuses 'no namespace' n create cluster demo --namespace nowhere
refuses 'no cluster' n kubeconfig nowhere
refuses 'no cluster' n describe cluster nowhere
refuses 'no cluster' n scale nowhere --workers 2
refuses 'no cluster' n delete cluster nowhere
refuses 'no virtual machine' n console nowhere
way
refuses 'already exists' n create cluster beside
