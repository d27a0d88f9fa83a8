#!/usr/bin/env bash
# A cluster of the minor version before is brought to the one of today while it is used: its control
# plane, then its nodes, under a budget, with its data.
port=10443
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/workloads.sh"
eval "$(grep ^KUBERNETES "$root/upstream/versions")"
older=$KUBERNETES_OLDER

# versions: of the API server and of each kubelet.
versions() {
  t demo version -o json | jq -r .serverVersion.gitVersion
  t demo get nodes -o jsonpath='{range .items[*]}{.status.nodeInfo.kubeletVersion}{"\n"}{end}'
}

upgrade() { n upgrade cluster demo --kubernetes-version "$KUBERNETES" --wait --timeout 1200; }

"$root/upstream/build" --kubernetes "$older"
"$root/images/build" --kubernetes "$older"
start
create demo --workers 1 --cpu 2 --kubernetes-version "$older"
equal "versions" "$(versions)" "$older"$'\n'"$older"
application demo
data=$(write_file demo)
retry 120 reachable demo || die "no answer from demo"
refuses 'skips a minor version' n upgrade cluster demo --kubernetes-version v1.38.0
refuses 'no worker image' n upgrade cluster demo --kubernetes-version "${older%.*}.99"
say "from $older to $KUBERNETES"
under_budget upgrade
equal "versions" "$(versions)" "$KUBERNETES"$'\n'"$KUBERNETES"
t demo rollout status statefulset web --timeout=420s
same_file demo "$data"
retry 120 reachable demo || die "no answer from demo after the upgrade"
say "once more changes nothing, and there is no way back"
before=$(fingerprint demo)
grep -q 'already' <<<"$(upgrade)" || die "it does not say that there is nothing to do"
equal "the cluster" "$(fingerprint demo)" "$before"
refuses 'cannot go back' n upgrade cluster demo --kubernetes-version "$older"
delete_cluster demo
