# shellcheck shell=bash
# The life of a cluster that is used, run by story_test.sh in peace and by story_crash_test.sh under
# kills: a stateful workload behind a load balancer, growth, the loss of a machine, shrinkage, new
# machines one by one, an add-on, and an end that leaves nothing. `beside`, in the same namespace and
# with the same names inside, keeps its own data and its own address.
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/workloads.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tunnel.sh"

node_of() { t demo get pod "$1" -o jsonpath='{.spec.nodeName}'; }
nodes() { t demo get nodes --no-headers -o custom-columns=N:.metadata.name; }
# of_the_group: every node has the labels and taints of its group.
of_the_group() {
  equal "nodes with label and taint" "$(t demo get nodes -l pool=shop \
    -o jsonpath='{range .items[*]}{.spec.taints[?(@.key=="shop")].effect}{"\n"}{end}' | grep -c PreferNoSchedule)" "$(nodes | wc -l)"
}
node_count() { [[ $(nodes | wc -l) == "$1" ]]; }

grow() {
  say "more pods than fit: a second node comes"
  deployment filler 1 600m
  t demo rollout status deployment filler --timeout=600s
  equal "nodes" "$(nodes | wc -l)" 2
  of_the_group
}

lose_a_machine() {
  local lost process
  lost=$(node_of web-0)
  process=$(machine_process "$lost")
  [[ $process ]] || die "no process of $lost"
  say "the machine $lost is killed: another takes its place, the data is there"
  kill -9 "$process"
  elsewhere() { [[ $(node_of web-0) != "$lost" ]] && t demo get pod web-0 -o jsonpath='{.status.conditions}' | grep -q '"status":"True","type":"Ready"'; }
  retry 900 elsewhere || die "web-0 is not ready on another node"
  replaced() { ! nodes | grep -qx "$lost" && node_count 2; }
  retry 600 replaced || die "the nodes are: $(nodes)"
}

shrink() {
  say "pods removed: back to the minimum"
  t demo delete deployment filler
  retry 900 node_count 1 || die "the nodes are: $(nodes)"
  t demo rollout status statefulset web --timeout=420s
}

new_size() {
  local old
  old=$(nodes)
  helm --kubeconfig "$state/admin.kubeconfig" upgrade demo "$root/charts/cluster" --reuse-values \
    --set nodeGroups.workers.memory=2304Mi >/dev/null
  rolled() { ! nodes | grep -qxF "$old" && node_count 1; }
  retry 900 rolled || die "the nodes are: $(nodes), before they were: $old"
}

roll() {
  say "another size: one by one, under a budget"
  under_budget new_size
  t demo rollout status statefulset web --timeout=420s
  equal "machines of the new size" "$(m get vmi -l cluster.x-k8s.io/cluster-name=demo \
    -o jsonpath='{.items[*].spec.domain.memory.guest}')" 2304Mi
}

add_on() {
  say "a chart, added and removed"
  greeting_chart to
  greet
  greeted
  ! t beside get configmap greeting 2>/dev/null || die "the chart is in a cluster that was not chosen"
  m delete helmchartproxy greeting --timeout=180s
  ! t demo get configmap greeting 2>/dev/null || die "the chart is still there"
  m delete configmap greeting-chart
}

story() {
  local data theirs
  cat >"$work/demo.yaml" <<EOF
labels: {tier: gold}
autoscaler: {scale-down-delay-after-add: 30s}
nodeGroups:
  workers:
    min: 1
    max: 3
    cpu: 1
    memory: 2Gi
    autoscaling: {scaleDownUnneededTime: 30s}
    labels: {pool: shop}
    taints: [{key: shop, value: "yes", effect: PreferNoSchedule}]
EOF
  create beside --workers 1 --cpu 1 &
  create demo -f "$work/demo.yaml"
  wait $! || die "beside was not made"
  say "a workload with a disk behind a load balancer, under equal names in both clusters"
  application demo
  application beside
  retry 120 reachable demo || die "no answer from demo"
  retry 120 reachable beside || die "no answer from beside"
  data=$(write_file demo)
  theirs=$(write_file beside)
  [[ $data != "$theirs" ]] || die "both clusters have the same data"
  through_the_tunnel
  grow
  lose_a_machine
  same_file demo "$data"
  retry 120 reachable demo || die "no answer from demo after the loss"
  shrink
  same_file demo "$data"
  roll
  same_file demo "$data"
  retry 120 reachable demo || die "no answer from demo after the roll-out"
  add_on
  delete_cluster demo
  same_file beside "$theirs"
  retry 60 reachable beside || die "no answer from beside"
  delete_cluster beside
}
