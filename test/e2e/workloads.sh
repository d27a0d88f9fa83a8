# shellcheck shell=bash
# What the tests run in the cluster `demo` and install into it.
# Needs clusters.sh.

# claim NAME [SIZE [MODE [CLASS]]]: of 1Gi, a file system, in the default class.
claim() {
  t demo apply -f - <<EOF
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: $1}
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: ${3:-Filesystem}
  ${4:+storageClassName: $4}
  resources: {requests: {storage: ${2:-1Gi}}}
EOF
}

# pod NAME [CPU [CLAIM [MODE]]]: one that only waits, with the claim mounted at /data or as /dev/data.
pod() {
  local claim=${3:-} use="volumeMounts: [{name: data, mountPath: /data}]"
  [[ ${4:-} != Block ]] || use="volumeDevices: [{name: data, devicePath: /dev/data}]"
  t demo apply -f - <<EOF
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  terminationGracePeriodSeconds: 1
  ${claim:+"volumes: [{name: data, persistentVolumeClaim: {claimName: $claim}}]"}
  containers:
  - name: main
    image: $agnhost
    args: [pause]
    ${claim:+$use}
    resources: {requests: {cpu: ${2:-10m}}}
EOF
}

ready() { t demo wait pod "$1" --for=condition=Ready --timeout=240s; }

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

# under_budget COMMAND...: it runs beside two pods of which one has to be there at any time.
under_budget() {
  local watcher
  deployment spread 2 50m
  t demo create poddisruptionbudget spread --selector app=spread --min-available 1
  t demo rollout status deployment spread --timeout=240s
  # A watch ends with the API server that it asked.
  follow() {
    while :; do
      t demo get pdb spread --watch -o jsonpath='{.status.currentHealthy}{"\n"}' 2>/dev/null || sleep 1
    done
  }
  follow >"$work/healthy" &
  watcher=$!
  "$@"
  t demo rollout status deployment spread --timeout=240s
  # shellcheck disable=SC2046 # one word each
  kill $watcher $(pgrep -P $watcher) || true
  wait $watcher 2>/dev/null || true
  grep -q 2 "$work/healthy" || die "nobody saw the budget"
  ! sed '1,/2/d' "$work/healthy" | grep -qx 0 || die "the budget was broken: $(xargs <"$work/healthy")"
}

# greeting_chart KEY: a chart in the management cluster, whose template needs the value KEY.
greeting_chart() {
  m apply -f - <<EOF
apiVersion: v1
kind: ConfigMap
metadata: {name: greeting-chart, labels: {nestor.dev/helm-chart: ""}}
data:
  Chart.yaml: "{apiVersion: v2, name: greeting, version: 1.0.0}"
  greeting.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: greeting}
    data: {to: {{ required "a person to greet" .Values.$1 | quote }}}
EOF
}

# greet: installs that chart, with the value `to`, in the clusters that are labelled tier=gold.
greet() {
  m apply -f - <<EOF
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
}

greeted() {
  m wait helmchartproxy greeting --for=condition=Ready --timeout=240s
  equal "the chart's value" "$(t demo get configmap greeting -o jsonpath='{.data.to}')" demo
}
