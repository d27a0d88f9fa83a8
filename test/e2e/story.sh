# shellcheck shell=bash
# The life of a cluster that is used, run by story_test.sh in peace and by story_crash_test.sh under
# kills: a stateful workload behind a load balancer, growth, the loss of a machine, shrinkage, new
# machines one by one, an add-on, and an end that leaves nothing. `beside`, in the same namespace and
# with the same names inside, keeps its own data and its own address.
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tunnel.sh"

# application CLUSTER: a StatefulSet with a claim, behind a Service of type LoadBalancer.
application() {
  t "$1" apply -f - <<EOF
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: $agnhost
        args: [netexec, --http-port=8080]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}}
        volumeMounts: [{name: data, mountPath: /data}]
        resources: {requests: {cpu: 300m}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
EOF
  t "$1" rollout status statefulset web --timeout=420s
}

# deployment NAME REPLICAS CPU: of pods that only wait.
deployment() {
  t demo apply -f - <<EOF
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1}
spec:
  replicas: $2
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: $agnhost
        args: [pause]
        resources: {requests: {cpu: $3}}
EOF
}

# outside CLUSTER PATH: what its application answers to somebody who is not in the cluster.
outside() {
  local address
  address=$(t "$1" get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}') && [[ $address ]] &&
    curl --silent --fail --max-time 10 --proxytunnel --proxy "http://127.0.0.1:$((port - 1))" "http://$address/$2"
}
reachable() { [[ $(outside "$1" hostname) == web-0 ]]; }

write_file() {
  t "$1" exec web-0 -- sh -c 'dd if=/dev/urandom of=/data/file bs=1M count=16 2>/dev/null && sync && md5sum /data/file'
}
# same_file CLUSTER SUM: its application has the data that was written.
same_file() { equal "data of $1" "$(t "$1" exec web-0 -- md5sum /data/file)" "$2"; }

node_of() { t demo get pod "$1" -o jsonpath='{.spec.nodeName}'; }
nodes() { t demo get nodes --no-headers -o custom-columns=N:.metadata.name; }
node_count() { [[ $(nodes | wc -l) == "$1" ]]; }

grow() {
  say "more pods than fit: a second node comes"
  deployment filler 1 600m
  t demo rollout status deployment filler --timeout=600s
  equal "nodes" "$(nodes | wc -l)" 2
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

roll() {
  local old watcher
  say "another size: one by one, under a budget"
  old=$(nodes)
  deployment spread 2 50m
  t demo create poddisruptionbudget spread --selector app=spread --min-available 1
  t demo rollout status deployment spread --timeout=240s
  kubectl --kubeconfig "$work/demo.kubeconfig" get pdb spread --watch \
    -o jsonpath='{.status.currentHealthy}{"\n"}' >"$work/healthy" &
  watcher=$!
  helm --kubeconfig "$state/admin.kubeconfig" upgrade demo "$root/charts/cluster" --reuse-values \
    --set nodeGroups.workers.memory=2304Mi >/dev/null
  rolled() { ! nodes | grep -qxF "$old" && node_count 1; }
  retry 900 rolled || die "the nodes are: $(nodes), before they were: $old"
  t demo rollout status statefulset web --timeout=420s
  t demo rollout status deployment spread --timeout=240s
  kill $watcher
  wait $watcher 2>/dev/null || true
  grep -q 2 "$work/healthy" || die "nobody saw the budget"
  ! sed '1,/2/d' "$work/healthy" | grep -qx 0 || die "the budget was broken: $(xargs <"$work/healthy")"
  equal "machines of the new size" "$(m get vmi -l cluster.x-k8s.io/cluster-name=demo \
    -o jsonpath='{.items[*].spec.domain.memory.guest}')" 2304Mi
}

add_on() {
  say "a chart, added and removed"
  m apply -f - <<EOF
apiVersion: v1
kind: ConfigMap
metadata: {name: greeting-chart, labels: {nestor.dev/helm-chart: ""}}
data:
  Chart.yaml: |
    apiVersion: v2
    name: greeting
    version: 1.0.0
  greeting.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: greeting}
    data: {to: {{ .Values.to | quote }}}
---
apiVersion: addons.cluster.x-k8s.io/v1alpha1
kind: HelmChartProxy
metadata: {name: greeting}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  chartName: greeting
  repoURL: configmap://greeting-chart
  releaseName: greeting
  namespace: default
  valuesTemplate: "to: {{ .Cluster.metadata.name }}"
EOF
  m wait helmchartproxy greeting --for=condition=Ready --timeout=180s
  equal "the chart's value" "$(t demo get configmap greeting -o jsonpath='{.data.to}')" demo
  ! t beside get configmap greeting 2>/dev/null || die "the chart is in a cluster that was not chosen"
  m delete helmchartproxy greeting --timeout=180s
  ! t demo get configmap greeting 2>/dev/null || die "the chart is still there"
  m delete configmap greeting-chart
}

story() {
  local data others
  cat >"$work/demo.yaml" <<EOF
labels: {tier: gold}
autoscaler: {scale-down-delay-after-add: 30s}
nodeGroups:
  workers: {min: 1, max: 3, cpu: 1, memory: 2Gi, autoscaling: {scaleDownUnneededTime: 30s}}
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
  others=$(write_file beside)
  [[ $data != "$others" ]] || die "both clusters have the same data"
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
  same_file beside "$others"
  retry 60 reachable beside || die "no answer from beside"
  delete_cluster beside
}
