#!/usr/bin/env bash
# From nothing to pods in a tenant cluster, and back to nothing; and what is refused on the way.
port=16443
source "$(dirname "${BASH_SOURCE[0]}")/way.sh"

refuses 'nestor up' n get clusters
start
refuses 'must be at most' n create cluster Bad_Name
refuses 'must look like' n create cluster demo --kubernetes-version latest
refuses 'from 1Gi' n create cluster demo --memory 10Mi
refuses 'no cluster' n kubeconfig nowhere
refuses 'no cluster' n describe cluster nowhere
refuses 'no cluster' n scale nowhere --workers 2
refuses 'no cluster' n delete cluster nowhere
refuses 'no virtual machine' n console nowhere
way
refuses 'already exists' n create cluster beside
