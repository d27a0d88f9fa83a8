#!/usr/bin/env bash
# The machine loses its power, and `nestor up` brings the management cluster and a tenant back: its API,
# the address of its Service, and its pod with the data on a worker that takes the place of the old one.
port=16743
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/workloads.sh"

start
create demo --workers 1
application demo
retry 240 reachable demo || die "the service does not answer from outside: $(t demo describe service web)"
sum=$(write_file demo)
address=$(t demo get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
node=$(t demo get node -o jsonpath='{.items[0].metadata.name}')
api=$(t demo config view -o jsonpath='{.clusters[0].cluster.server}')

say "the machine loses its power"
# With its keeper the kernel ends every process of the node, and mounts and networks go with these.
init=$(<"$state/init.pid")
kill -9 "$(supervisor)"
ended() { [[ ! -e /proc/$init && -z $(processes "") ]]; }
retry 60 ended || die "still there: $(processes "")"

say "and comes back"
"$nestor" up --state-dir "$state" --port "$port" --proxy-port $((port - 1))
m wait --for=condition=Available cluster demo --timeout=900s
other_node() {
  local names
  names=$(t demo get node -o jsonpath='{.items[*].metadata.name}' --request-timeout=10s) && [[ $names && $names != *"$node"* ]]
}
retry 300 other_node || die "the nodes are: $(t demo get nodes 2>&1)"
t demo wait node --all --for=condition=Ready --timeout=300s
t demo rollout status statefulset web --timeout=420s
same_file demo "$sum"
retry 120 reachable demo || die "the service does not answer any more"
equal "address of the service" "$(t demo get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}')" "$address"
n kubeconfig demo >"$work/demo.kubeconfig"
equal "address of the API" "$(t demo config view -o jsonpath='{.clusters[0].cluster.server}')" "$api"
n scale demo --workers 2 --wait --timeout 900
delete_cluster demo
say "restart: done"
